import { once } from "node:events";
import { expect, test } from "vitest";
import { bearer, SECRET } from "../support/auth/tokens.ts";
import { spawnProgram } from "../support/service/program.ts";
import { startService } from "../support/service/service.ts";

async function token(args: readonly string[], env: Record<string, string>) {
  const { child, stdout, stderr } = spawnProgram("src/operate/token.ts", args, env);
  await once(child, "close");
  return { code: child.exitCode, stdout: stdout().trimEnd(), stderr: stderr() };
}

test("npm run token makes tokens that the service takes, and says what it lacks", async () => {
  const env = { AUTH_JWT_SECRET: SECRET, AUTH_ISSUER: "me", AUTH_AUDIENCE: "books,films" };
  const [made, without, foreign] = await Promise.all([
    token(["--subject", "alice", "--scope", "books:write", "--scope", "books:read"], env),
    token(["--subject", "alice"], {}),
    token(["--scope", "books:write"], env),
  ]);
  const service = await startService({ ...env, AUTH_READS: "true" });
  for (const query of ['mutation { deleteBook(title: "None") { __typename } }', "{ books { title } }"]) {
    const headers = { "content-type": "application/json", ...bearer(made.stdout) };
    const answer = await fetch(service.url, { method: "POST", headers, body: JSON.stringify({ query }) });
    expect(answer.status).toBe(200);
  }
  expect(without).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/^AUTH_JWT_SECRET must be set/) });
  expect(foreign).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("--subject NAME") });
});
