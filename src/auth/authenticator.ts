import { errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from "jose";
import { LRUCache } from "lru-cache";
import type { Logger } from "pino";
import { type Access, type AccessRules, ANONYMOUS, challenge, LastShown } from "../graphql/execution/access.ts";
import { retryAfter } from "../graphql/execution/retry-after.ts";
import type { AuthSettings } from "./auth-settings.ts";
import { accessOf, BadClaims } from "./claims.ts";
import { KeySet, KeysUnavailable } from "./key-set.ts";

/** By how much the clocks of issuer and service may differ, in seconds. */
const CLOCK_TOLERANCE_S = 30;
const SECRET_ALGORITHMS = ["HS256", "HS384", "HS512"];
const KEY_SET_ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];
/** What all tokens that are remembered may take together, in bytes, by the weights below. */
const MAX_BYTES = 8_000_000;
const ENTRY_BYTES = 1000;

const BEARER = /^Bearer +([\w.~+/=-]+) *$/i;

/** Why nobody is let in with what was sent. */
export interface NotLetIn {
  readonly status: 401 | 503;
  readonly code: "UNAUTHENTICATED" | "SERVICE_UNAVAILABLE";
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Says who asks, by the `Authorization` of his request. A token that was found good is known again by its text, until it
 * expires or the issuer's keys are others.
 */
export class Authenticator {
  readonly #options: JWTVerifyOptions;
  readonly #find: JWTVerifyGetKey;
  readonly #keySet: KeySet | undefined;
  readonly #anonymous: Access | undefined;
  readonly #claims: Parameters<typeof accessOf>[1];
  /** How often the keys have become others. */
  #generation = 0;
  readonly #known = new LRUCache<string, Pick<LastShown, "authorization" | "access">>({
    maxSize: MAX_BYTES,
    maxEntrySize: MAX_BYTES / 16,
    sizeCalculation: (_, text) => text.length + ENTRY_BYTES,
  });

  /** `scopes` are all that there are. */
  constructor(settings: AuthSettings, rules: AccessRules, scopes: readonly string[], log: Logger) {
    const { keys, issuer, audience, logSubject } = settings;
    this.#anonymous = rules.reads ? undefined : ANONYMOUS;
    this.#claims = { known: new Set(scopes), logSubject, toleranceS: CLOCK_TOLERANCE_S };
    this.#options = {
      algorithms: "secret" in keys ? SECRET_ALGORITHMS : KEY_SET_ALGORITHMS,
      ...(issuer !== undefined && { issuer }),
      ...(audience && { audience: [...audience] }),
      requiredClaims: ["sub", "exp"],
      clockTolerance: CLOCK_TOLERANCE_S,
    };
    if ("secret" in keys) {
      const secret = Buffer.from(keys.secret);
      this.#find = async () => secret;
    } else {
      this.#keySet = new KeySet(keys.jwksUrl, log, () => this.#forget());
      this.#find = this.#keySet.find;
    }
  }

  /**
   * Who sent this header, if that is known without looking; undefined is what anybody sends. To hold it against the last that
   * came over the connection takes less than to find it among all.
   */
  known(authorization: string | undefined, last: LastShown): Access | undefined {
    if (authorization === undefined) return this.#anonymous;
    if (authorization !== last.authorization || last.generation !== this.#generation) {
      const known = this.#known.get(authorization);
      if (!known) return undefined;
      // the text that is kept already: connections hold none of their own
      Object.assign(last, known, { generation: this.#generation });
    }
    return Date.now() < last.access.until ? last.access : undefined;
  }

  /** Who sent this header, or why he is not let in. */
  async of(authorization: string | undefined, last = new LastShown()): Promise<Access | NotLetIn> {
    const known = this.known(authorization, last);
    if (known) return known;
    if (authorization === undefined) return notLetIn("This needs a token: Authorization: Bearer …", {});
    const [, token] = BEARER.exec(authorization) ?? [];
    if (token === undefined) return notLetIn("Authorization must be Bearer and a token.", { error: "invalid_request" });
    const generation = this.#generation;
    try {
      const access = accessOf(await this.#verify(token), this.#claims);
      if (generation === this.#generation) this.#known.set(authorization, { authorization, access });
      return access;
    } catch (error) {
      if (error instanceof KeysUnavailable) return keysUnavailable();
      return invalid(reasonOf(error));
    }
  }

  /** What was good by keys that the issuer may have taken back. */
  #forget(): void {
    this.#generation++;
    this.#known.clear();
  }

  close(): void {
    this.#keySet?.close();
  }

  async #verify(token: string): Promise<JWTPayload> {
    try {
      return (await jwtVerify(token, this.#find, this.#options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      // a token that does not say by which key it was signed
      for await (const key of error) {
        const verified = await jwtVerify(token, key, this.#options).catch((failure) => {
          if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure;
        });
        if (verified) return verified.payload;
      }
      throw error;
    }
  }
}

/** In words that repeat nothing of the token. */
function reasonOf(error: unknown): string {
  if (error instanceof BadClaims) return error.message;
  if (error instanceof errors.JWTExpired) return "The token has expired.";
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === "nbf") return "The token is not valid yet.";
    if (error.claim === "aud") return "The token is not for this service.";
    if (error.claim === "iss") return "The token is not of the issuer that is trusted here.";
    return `The token has no claim ${error.claim} as it must be.`;
  }
  if (error instanceof errors.JWKSNoMatchingKey) return "The token is not signed by a key that is trusted here.";
  // what else a key of the issuer's fails with is nobody's fault here
  return "The token is not valid.";
}

function invalid(message: string): NotLetIn {
  return notLetIn(message, { error: "invalid_token", error_description: message });
}

function notLetIn(message: string, parameters: Readonly<Record<string, string>>): NotLetIn {
  const headers = { "www-authenticate": challenge(parameters) };
  return { status: 401, code: "UNAUTHENTICATED", message, headers };
}

function keysUnavailable(): NotLetIn {
  const message = "The keys of those who issue tokens are not to be had; try again later.";
  return { status: 503, code: "SERVICE_UNAVAILABLE", message, headers: { "retry-after": retryAfter() } };
}
