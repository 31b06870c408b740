import { GraphQLError } from "graphql";
import { z } from "zod";
import { NO_REVISIONS, type Revisions } from "../../cqrs/revisions.ts";

/** What a request may ask for beside its query. What others put there is left alone. */
export interface RequestExtensions {
  /** The revisions that the answer must have reached. */
  readonly atLeast: Revisions;
  /** Whether the answer tells its cost. */
  readonly cost: boolean;
}

const NONE: RequestExtensions = { atLeast: NO_REVISIONS, cost: false };

/**
 * What reads the extensions of requests. A revision alone is one of the first of the `streams`.
 *
 * The reader throws a GraphQLError `BAD_USER_INPUT`.
 */
export function extensionsReader(streams: readonly string[]): (extensions: unknown) => RequestExtensions {
  const [first = ""] = streams;
  const revision = z.int().min(0);
  const ofEach = z.strictObject(Object.fromEntries(streams.map((name) => [name, revision.nullish()])));
  const requested = z
    .object({
      consistency: z.object({ atLeast: revision.or(ofEach).nullish() }).nullish(),
      cost: z.boolean().nullish(),
    })
    .nullish();
  const messages: Readonly<Record<string, string>> = {
    consistency: `extensions.consistency.atLeast must be a non-negative whole number, or an object of such by ${streams.join(", ")}.`,
    cost: "extensions.cost must be true or false.",
  };
  return (extensions) => {
    if (extensions === undefined) return NONE;
    const { success, data, error } = requested.safeParse(extensions);
    if (success) return { atLeast: byStream(data?.consistency?.atLeast, first), cost: data?.cost ?? false };
    const [name = ""] = error.issues[0]?.path ?? [];
    throw new GraphQLError(messages[String(name)] ?? "extensions must be an object.", {
      extensions: { code: "BAD_USER_INPUT", http: { status: 400 } },
    });
  };
}

function byStream(
  atLeast: number | Readonly<Record<string, number | null | undefined>> | null | undefined,
  first: string,
): Revisions {
  if (typeof atLeast === "number") return { [first]: atLeast };
  return Object.fromEntries(Object.entries(atLeast ?? {}).map(([name, revision]) => [name, revision ?? 0]));
}
