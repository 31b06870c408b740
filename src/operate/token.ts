import { SignJWT } from "jose";
import { ConfigService } from "../config.ts";
import { StartupError } from "../cqrs/errors.ts";
import { modules } from "../modules.ts";
import { runCommand, UsageFault } from "./command-line.ts";

const USAGE = `Usage: npm run token -- --subject NAME [--scope SCOPE]... [--expires TIME]

Prints a token that is signed with AUTH_JWT_SECRET, for development. The service takes it while it has the same secret.

  --subject NAME   who it is for; stands in the change log
  --scope SCOPE    what it allows: ${modules.flatMap(({ stream: { name } }) => [`${name}:read`, `${name}:write`]).join(", ")}
  --expires TIME   how long it counts: 90s, 15m, 1h (unless given), 7d
  --help           shows this text

AUTH_JWT_SECRET (or AUTH_JWT_SECRET_FILE), AUTH_ISSUER and AUTH_AUDIENCE are read as by npm start.`;

const DURATION = /^\d{1,6}[smhd]$/;

const OPTIONS = {
  subject: { type: "string" },
  scope: { type: "string", multiple: true, default: [] as string[] },
  expires: { type: "string", default: "1h" },
} as const;

await runCommand(USAGE, OPTIONS, async ({ values: { subject, scope, expires } }) => {
  console.log(await signed(subject, scope ?? [], expires ?? "1h"));
});

async function signed(subject: string | undefined, scopes: readonly string[], expires: string): Promise<string> {
  if (!subject) throw new UsageFault(["give --subject NAME (--help says more)"]);
  if (!DURATION.test(expires)) throw new UsageFault(["--expires must be a time such as 90s, 15m, 1h or 7d"]);
  const { auth } = ConfigService.load(process.env, modules);
  if (!auth || !("secret" in auth.keys)) {
    throw new StartupError(["AUTH_JWT_SECRET must be set: with AUTH_JWKS_URL the issuer alone makes tokens."]);
  }
  const { keys, issuer, audience } = auth;
  const token = new SignJWT({ ...(scopes.length > 0 && { scope: scopes.join(" ") }) })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setSubject(subject)
    .setIssuedAt()
    .setExpirationTime(expires);
  if (issuer !== undefined) token.setIssuer(issuer);
  if (audience?.[0] !== undefined) token.setAudience(audience[0]);
  return token.sign(Buffer.from(keys.secret));
}
