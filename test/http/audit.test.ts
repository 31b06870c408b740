import { type AuditResult, auditServer } from "graphql-http";
import { expect, test } from "vitest";
import { startService } from "../support/service/service.ts";

/** What the GraphQL over HTTP specification's own audit says: what a server must do, should do, and may do. */
test("the audit of GraphQL over HTTP passes whole", async () => {
  const { url } = await startService();
  const results = await auditServer({ url });
  const said = ({ id, name, status, ...more }: AuditResult) =>
    `${id} ${name}: ${"reason" in more ? more.reason : status}`;
  expect(results.length).toBeGreaterThan(50);
  expect(results.filter(({ status }) => status !== "ok").map(said)).toEqual([]);
});
