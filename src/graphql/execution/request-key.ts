import type { GraphQLParams } from "graphql-yoga";

/**
 * What tells a request from others, for replays: its text as JSON, but for the revisions that it asks for. So a request
 * that asks for none has its own text as its key, as most clients write it.
 */
export function keyOf(params: GraphQLParams): string {
  if (!asksForRevision(params)) return JSON.stringify(params);
  const { extensions, ...asked } = params;
  const { consistency, ...others } = extensions as { consistency: object };
  const { atLeast: _, ...rest } = consistency as { atLeast?: unknown };
  const kept = { ...others, ...(Object.keys(rest).length > 0 && { consistency: rest }) };
  return JSON.stringify({ ...asked, ...(Object.keys(kept).length > 0 && { extensions: kept }) });
}

/** Whether the extensions say anything of `atLeast`. */
export function asksForRevision({ extensions }: GraphQLParams): boolean {
  const atLeast = (extensions as { consistency?: { atLeast?: unknown } | null } | null | undefined)?.consistency
    ?.atLeast;
  return atLeast !== undefined;
}
