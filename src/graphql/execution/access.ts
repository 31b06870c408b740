import { GraphQLError, OperationTypeNode } from "graphql";
import { ANYBODY, type Asker } from "../../cqrs/asker.ts";

/** Of each of these lists an operation needs one scope; there is none where anybody may run it. */
export type Needs = readonly (readonly string[])[];

/** Who asks, and what he may. */
export interface Access {
  readonly asker: Asker;
  /** Of the service's scopes those that he has. */
  readonly scopes: ReadonlySet<string>;
  /** When it ends, in milliseconds since 1970: what lives longer than a request is to be ended then. */
  readonly until: number;
}

/** Of who has shown no token. */
export const ANONYMOUS: Access = { asker: ANYBODY, scopes: new Set(), until: Number.POSITIVE_INFINITY };

/** What was last shown over a connection, and whose it was found to be: most clients show the same with each request. */
export class LastShown {
  authorization: string | undefined;
  access = ANONYMOUS;
  /** Of the keys by which it was found good. */
  generation = 0;
}

/** Which operations need a scope. */
export interface AccessRules {
  /** Whether there are tokens, which may have scopes; without them nobody has any. */
  readonly tokens: boolean;
  readonly reads: boolean;
  readonly writes: boolean;
}

/** The scope for all that is read, or for all that is written, of a stream. */
export function scopeOf(stream: string, access: "read" | "write"): string {
  return `${stream}:${access}`;
}

/** What an operation needs that asks for something of one stream of each of these lists. */
export function needsOf(rules: AccessRules, kind: OperationTypeNode, streams: readonly (readonly string[])[]): Needs {
  const writes = kind === OperationTypeNode.MUTATION;
  if (!(writes ? rules.writes : rules.reads)) return [];
  return streams.map((some) => some.map((stream) => scopeOf(stream, writes ? "write" : "read")));
}

/** Whether this is enough. */
export function permits(needs: Needs, { scopes }: Access): boolean {
  for (const some of needs) if (!some.some((scope) => scopes.has(scope))) return false;
  return true;
}

/** Why an operation is not run for this asker; undefined when it is. */
export function refusalOf(needs: Needs, access: Access, rules: AccessRules): GraphQLError | undefined {
  if (permits(needs, access)) return undefined;
  const missing = needs.filter((some) => !permits([some], access)).map(([scope = ""]) => scope);
  const scope = [...new Set(missing)].join(" ");
  if (!rules.tokens) {
    return coded(403, "FORBIDDEN", "Nothing can be changed here without a token, and none are taken.");
  }
  if (access === ANONYMOUS) {
    return coded(401, "UNAUTHENTICATED", `This needs a token with the scope ${scope}.`, challenge({ scope }));
  }
  const error = challenge({ error: "insufficient_scope", scope });
  return coded(403, "FORBIDDEN", `The token does not have the scope ${scope}.`, error);
}

/** What `WWW-Authenticate` says: RFC 6750. No value may have a quotation mark. */
export function challenge(parameters: Readonly<Record<string, string>>): string {
  const all = { realm: "graphql", ...parameters };
  return `Bearer ${Object.entries(all)
    .map(([name, value]) => `${name}="${value}"`)
    .join(", ")}`;
}

function coded(status: number, code: string, message: string, authenticate?: string): GraphQLError {
  const headers = authenticate === undefined ? {} : { "www-authenticate": authenticate };
  return new GraphQLError(message, { extensions: { code, http: { status, headers } } });
}
