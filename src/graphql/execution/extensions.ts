import { GraphQLError } from "graphql";
import { z } from "zod";

/** What a request may ask for beside its query. What others put there is left alone. */
export interface RequestExtensions {
  /** The revision that the answer must have reached. */
  readonly atLeast: number;
  /** Whether the answer tells its cost. */
  readonly cost: boolean;
}

const NONE: RequestExtensions = { atLeast: 0, cost: false };

const MESSAGES: Readonly<Record<string, string>> = {
  consistency: "extensions.consistency.atLeast must be a non-negative whole number.",
  cost: "extensions.cost must be true or false.",
};

const requested = z
  .object({
    consistency: z.object({ atLeast: z.int().min(0).nullish() }).nullish(),
    cost: z.boolean().nullish(),
  })
  .nullish()
  .transform((asked) => ({ atLeast: asked?.consistency?.atLeast ?? 0, cost: asked?.cost ?? false }));

/** @throws GraphQLError `BAD_USER_INPUT` */
export function requestExtensions(extensions: unknown): RequestExtensions {
  if (extensions === undefined) return NONE;
  const { data, error } = requested.safeParse(extensions);
  if (data) return data;
  const [name = ""] = error?.issues[0]?.path ?? [];
  throw new GraphQLError(MESSAGES[String(name)] ?? "extensions must be an object.", {
    extensions: { code: "BAD_USER_INPUT", http: { status: 400 } },
  });
}

/** Whether a request has the hash of a query in place of the query, as Apollo's clients send it. */
export function isPersistedQuery({ query, extensions }: { query?: unknown; extensions?: unknown }): boolean {
  return query == null && (extensions as { persistedQuery?: unknown } | null | undefined)?.persistedQuery != null;
}

/** Apollo's own words and status: its clients then send the query itself, and go on doing so. */
export function persistedQueryNotSupported(): GraphQLError {
  return new GraphQLError("PersistedQueryNotSupported", {
    extensions: { code: "PERSISTED_QUERY_NOT_SUPPORTED", http: { status: 200 } },
  });
}
