import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type ConnectionOptions, checkServerIdentity, getCACertificates, type SecureVersion } from "node:tls";
import type { Host } from "./connection-url.ts";
import { UrlFault } from "./parameters.ts";

const MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
const VERSIONS: readonly string[] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] satisfies SecureVersion[];

/** How a connection is encrypted, in libpq's terms. */
export interface TlsSettings {
  readonly mode: (typeof MODES)[number];
  /** Files. Those that nobody has named are used where they exist, as libpq does. */
  readonly rootCertificate: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly keyPassword: string | undefined;
  readonly revocations: string | undefined;
  readonly minVersion: SecureVersion | undefined;
  readonly maxVersion: SecureVersion | undefined;
  /** Whether TLS begins at once, without asking the server for it. */
  readonly direct: boolean;
  /** Whether the password may only be proved to the holder of the certificate. */
  readonly bindChannel: boolean;
}

/** @throws UrlFault */
export function parseTls(value: (name: string) => string | undefined, directory: string): TlsSettings {
  // what node-postgres calls no-verify is libpq's require
  const mode = MODES.find((one) => one === (value("sslmode") ?? "prefer").replace("no-verify", "require"));
  if (!mode) throw new UrlFault(`takes for sslmode: ${MODES.join(", ")}`);
  const file = (name: string, usual: string): string | undefined => {
    const path = value(name);
    if (path === undefined || path === "system")
      return path ?? [join(directory, usual)].find((one) => mode !== "disable" && existsSync(one));
    if (!existsSync(path)) throw new UrlFault(`names a file in ${name} that is not there`);
    return path;
  };
  const version = (name: string): SecureVersion | undefined => {
    const text = value(name);
    if (text !== undefined && !VERSIONS.includes(text)) throw new UrlFault(`takes for ${name}: ${VERSIONS.join(", ")}`);
    return text as SecureVersion | undefined;
  };
  const oneOf = (name: string, accepted: readonly string[]): string => {
    const text = value(name) ?? (accepted[0] as string);
    if (!accepted.includes(text)) throw new UrlFault(`takes for ${name}: ${accepted.join(", ")}`);
    return text;
  };
  const settings: TlsSettings = {
    mode,
    rootCertificate: file("sslrootcert", "root.crt"),
    certificate: file("sslcert", "postgresql.crt"),
    key: file("sslkey", "postgresql.key"),
    keyPassword: value("sslpassword"),
    revocations: file("sslcrl", "root.crl"),
    minVersion: version("ssl_min_protocol_version"),
    maxVersion: version("ssl_max_protocol_version"),
    direct: oneOf("sslnegotiation", ["postgres", "direct"]) === "direct",
    bindChannel: oneOf("channel_binding", ["prefer", "disable", "require"]) === "require",
  };
  const surelyEncrypted = mode === "require" || mode.startsWith("verify");
  if (settings.direct && !surelyEncrypted) throw new UrlFault("needs sslmode=require for sslnegotiation=direct");
  if (settings.bindChannel && !surelyEncrypted) throw new UrlFault("needs sslmode=require for channel_binding=require");
  if (settings.rootCertificate === "system" && mode !== "verify-full")
    throw new UrlFault("needs sslmode=verify-full for sslrootcert=system");
  // anybody can have a certificate of a public authority: without the name it proves nothing
  if (mode === "verify-ca" && !settings.rootCertificate) throw new UrlFault("needs sslrootcert for sslmode=verify-ca");
  return settings;
}

/** Whether to encrypt, in the order in which it is tried. */
export function encryptionsOf({ mode }: TlsSettings, { address }: Host): readonly boolean[] {
  if (address.startsWith("/") || mode === "disable") return [false];
  if (mode === "prefer") return [true, false];
  return mode === "allow" ? [false, true] : [true];
}

/**
 * The options of one TLS connection. The files are read anew for each, so that they may be replaced.
 *
 * @throws when a file cannot be read
 */
export function tlsOptions(settings: TlsSettings, host: Host): ConnectionOptions {
  const { mode, rootCertificate, keyPassword, minVersion, maxVersion } = settings;
  const read = (path: string | undefined) => {
    try {
      return path === undefined ? undefined : readFileSync(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new Error(`a file with a certificate or key for TLS cannot be read (${code})`, { cause: error });
    }
  };
  // with an authority of one's own, `require` means `verify-ca`, to libpq
  const verified = mode === "verify-full" || rootCertificate !== undefined;
  const given = {
    ca: rootCertificate === "system" ? getCACertificates("system") : read(rootCertificate),
    cert: read(settings.certificate),
    key: read(settings.key),
    passphrase: keyPassword,
    crl: read(settings.revocations),
    minVersion,
    maxVersion,
    servername: host.name !== host.address ? host.name : undefined,
  };
  return {
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    rejectUnauthorized: verified,
    // Node would look for "localhost" in the certificate of a host that is given by its address
    checkServerIdentity: (_, certificate) =>
      mode === "verify-full" ? checkServerIdentity(host.name, certificate) : undefined,
  };
}
