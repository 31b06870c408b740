import type { AccessRules } from "../graphql/execution/access.ts";
import type { AuthSettings } from "./auth-settings.ts";

/** What an operator should know at the start of who may do what. */
export function accessNotices(
  auth: AuthSettings | undefined,
  { tokens, writes }: AccessRules,
  isLoopback: boolean,
): readonly string[] {
  if (!tokens && writes) {
    return [
      "mutations are refused to all: HOST is heard beyond this machine, and no tokens are taken; see AUTH_JWKS_URL, " +
        "AUTH_JWT_SECRET and ALLOW_ANONYMOUS_WRITES",
    ];
  }
  if (!tokens && !isLoopback) return ["whoever reaches the service can change what it holds: ALLOW_ANONYMOUS_WRITES"];
  if (auth && "jwksUrl" in auth.keys && !auth.audience) {
    return ["tokens are taken that the issuer has made for other services: AUTH_AUDIENCE is not set"];
  }
  return [];
}
