import { createHash } from "node:crypto";
import type { GraphQLResolveInfo } from "graphql";
import { IdempotencyKeyReused, ServiceError } from "../cqrs/errors.ts";
import type { SentKey } from "../cqrs/repeats.ts";
import type { Builder } from "./builder.ts";
import type { SharedTypes } from "./schema.ts";

/** Printable ASCII, with the blank. */
const KEY = /^[ -~]{1,128}$/;

/** The argument that every mutation has. */
export const idempotencyKey = {
  description:
    "Any text of your own, 1 to 128 printable ASCII characters. For 24 hours the same mutation with the same key is not " +
    "done again: its answer is what was done the first time.",
} as const;

/**
 * What keeps a mutation with these arguments from being done twice; nothing where no key is given. What is compared is
 * what was sent, as GraphQL has taken it, and not what a version of this program makes of that: another version shall
 * know it again.
 *
 * @throws ServiceError `BAD_USER_INPUT` for what can be no key
 */
export function onceOf(
  { idempotencyKey: key, ...asked }: { readonly idempotencyKey?: string | null | undefined },
  { fieldName }: GraphQLResolveInfo,
): SentKey | undefined {
  if (key == null) return undefined;
  if (!KEY.test(key))
    throw new ServiceError("BAD_USER_INPUT", "idempotencyKey must have 1 to 128 printable ASCII characters.");
  // an argument that is null is one that is not given
  const given = Object.entries(asked).filter(([, value]) => value != null);
  const text = JSON.stringify([fieldName, Object.fromEntries(given)], inOrder);
  return { key, digest: createHash("sha256").update(text).digest("base64url") };
}

/** The order in which the fields of an object are sent says nothing. */
function inOrder(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function defineIdempotencyKeyReused(builder: Builder, error: SharedTypes["error"]): void {
  builder.objectType(IdempotencyKeyReused, {
    name: "IdempotencyKeyReusedError",
    description: "The key was used for another mutation, or with another input. Nothing was done.",
    interfaces: [error],
    fields: (t) => ({ idempotencyKey: t.exposeString("idempotencyKey", { description: "The key that was sent." }) }),
  });
}
