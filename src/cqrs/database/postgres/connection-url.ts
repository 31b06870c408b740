import { existsSync } from "node:fs";
import { isIP } from "node:net";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import { fixedParameters, parameterVariables, UrlFault, unsupportedParameters } from "./parameters.ts";
import { parseTls, type TlsSettings } from "./tls.ts";

/** One place where the server may be. */
export interface Host {
  /** A name or address, or the directory of a socket. */
  readonly name: string;
  /** What to connect to: `name`, unless the URL says `hostaddr`. */
  readonly address: string;
  readonly port: number;
}

/** What a `DATABASE_URL` for PostgreSQL and the `PG…` variables beside it say. */
export interface PostgresSettings {
  /** In the order in which they are tried. */
  readonly hosts: readonly Host[];
  readonly user: string;
  readonly database: string;
  readonly password: string | undefined;
  /** Where passwords are looked up when there is none here. */
  readonly passwordFile: string;
  /** How long one attempt to connect may take, in milliseconds; undefined when nobody has said. */
  readonly connectTimeoutMs: number | undefined;
  readonly applicationName: string;
  /** Command-line options of the session, `-c name=value`. */
  readonly options: string | undefined;
  readonly keepAlive: boolean;
  readonly keepAliveIdleMs: number | undefined;
  readonly tls: TlsSettings;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export const POSTGRES_URL_FORM = "postgresql://[user[:password]@][host[:port]][,…][/database][?name=value[&…]]";

const ESCAPE = "in user and password write / as %2F, @ as %40, : as %3A and % as %25";

/** Where Debian and PostgreSQL's own builds have the socket of a local server. */
const SOCKET_DIRECTORIES = ["/var/run/postgresql", "/tmp"];

/**
 * Reads a URL as libpq, PostgreSQL's own client, does. The parsers of URLs are no help: a password may hold `#` and `?`
 * here, there may be several hosts, and a host may be a directory.
 *
 * @throws UrlFault
 */
export function parsePostgresUrl(url: string, env: Environment = process.env): PostgresSettings {
  const parts = /^postgres(?:ql)?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(url.trim());
  if (!parts) throw new UrlFault(`must be ${POSTGRES_URL_FORM}`);
  if (/[\p{Cc}\p{Z}]/u.test(url.trim()))
    throw new UrlFault("has a blank or a line break in it; a blank is written %20");
  const [, user = "", password = "", places = "", database = "", query = ""] = parts;
  // libpq would take it for a part of the name; far more often it stands in a password that is not written as it must be
  if (/@/.test(places + database)) throw new UrlFault(`has an @ behind the first one or a /; ${ESCAPE}`);

  const { hosts, ports } = splitPlaces(places);
  const given = new Map<string, string>();
  const set = (name: string, value: string) => value !== "" && given.set(name, value);
  set("user", decode(user, "user"));
  set("password", decode(password, "password"));
  set("host", hosts.map((host) => decode(host, "host")).join(","));
  set("port", ports.join(",").replace(/^,+$/, ""));
  set("dbname", decode(database, "database name"));
  for (const [name, value] of parseQuery(query)) given.set(name, value);

  const value = (name: string): string | undefined => {
    const variable = parameterVariables.get(name);
    return given.get(name) || (variable && env[variable]) || undefined;
  };
  const count = (name: string): number | undefined => {
    const text = value(name);
    if (text !== undefined && !/^-?\d{1,6}$/.test(text)) throw new UrlFault(`needs a whole number for ${name}`);
    return text === undefined ? undefined : Number(text);
  };
  for (const [name, accepted] of fixedParameters) {
    if (!accepted.test(given.get(name) ?? "")) throw new UrlFault(`asks for a ${name} that is not supported`);
  }
  const timeout = count("connect_timeout") ?? 0;
  const idle = count("keepalives_idle") ?? 0;
  const role = value("user") ?? systemUser();
  const home = homeDirectory();
  return {
    hosts: shuffled(hostsOf(value("host"), value("hostaddr"), value("port")), value("load_balance_hosts") === "random"),
    user: role,
    database: value("dbname") ?? role,
    password: value("password"),
    passwordFile: value("passfile") ?? join(home, ".pgpass"),
    connectTimeoutMs: timeout > 0 ? timeout * 1000 : undefined,
    applicationName: value("application_name") ?? value("fallback_application_name") ?? "books-catalogue",
    options: value("options"),
    keepAlive: count("keepalives") !== 0,
    keepAliveIdleMs: idle > 0 ? idle * 1000 : undefined,
    tls: parseTls(value, join(home, ".postgresql")),
  };
}

/** Splits `host:port,[::1]:port`; addresses of the sixth version stand in brackets. */
function splitPlaces(places: string): { hosts: string[]; ports: string[] } {
  const hosts: string[] = [];
  const ports: string[] = [];
  for (const place of places.split(",")) {
    const parts = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(.*))?$/.exec(place);
    if (!parts) throw new UrlFault(`must be ${POSTGRES_URL_FORM}`);
    hosts.push(parts[1] ?? parts[2] ?? "");
    ports.push(decode(parts[3] ?? "", "port"));
  }
  return { hosts, ports };
}

function parseQuery(query: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const pair of query === "" ? [] : query.split("&")) {
    const [name = "", value, ...more] = pair.split("=");
    if (value === undefined || more.length > 0) throw new UrlFault("needs name=value after the ?");
    const known = decode(name, "name after the ?");
    // an unknown name is not repeated: it may be the end of a password
    if (unsupportedParameters.has(known)) throw new UrlFault(`has ?${known}=, which is not supported`);
    if (!parameterVariables.has(known)) throw new UrlFault("has a name after the ? that PostgreSQL does not know");
    found.set(known, decode(value, known));
  }
  const ssl = found.get("ssl");
  if (ssl !== undefined) {
    if (ssl !== "true") throw new UrlFault("takes ssl=true only; use sslmode");
    found.set("sslmode", found.get("sslmode") ?? "require");
  }
  return found;
}

function hostsOf(names: string | undefined, addresses: string | undefined, ports: string | undefined): Host[] {
  const portList = (ports ?? "").split(",").map((port) => {
    if (port === "") return 5432;
    const number = /^\d{1,5}$/.test(port) ? Number(port) : 0;
    if (number < 1 || number > 65535) throw new UrlFault("needs ports from 1 to 65535");
    return number;
  });
  const addressList = addresses?.split(",");
  const nameList = names?.split(",") ?? addressList?.map(() => "") ?? [""];
  if (addressList && addressList.length !== nameList.length) throw new UrlFault("needs one hostaddr for each host");
  if (portList.length !== 1 && portList.length !== nameList.length)
    throw new UrlFault("needs one port, or one for each host");
  return nameList.map((given, i) => {
    const port = portList[i] ?? (portList[0] as number);
    const address = addressList?.[i] || given || localServer(port);
    if (addressList?.[i] && !isIP(address)) throw new UrlFault("needs an IP address in hostaddr");
    if (!address.startsWith("/") && !/^[\p{L}\p{N}_.:%-]+$/u.test(address))
      throw new UrlFault(`has a host that is no host name, address or directory; ${ESCAPE}`);
    return { name: given || address, address, port };
  });
}

/** Without a host libpq uses a socket; where there is none, the server may yet listen on this machine. */
function localServer(port: number): string {
  return SOCKET_DIRECTORIES.find((directory) => existsSync(join(directory, `.s.PGSQL.${port}`))) ?? "localhost";
}

function shuffled(hosts: Host[], random: boolean): Host[] {
  if (!random) return hosts;
  return hosts
    .map((host) => ({ host, rank: Math.random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ host }) => host);
}

/** In a container the process may run as a user that the system does not know. */
function homeDirectory(): string {
  try {
    return homedir();
  } catch {
    return "/";
  }
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    throw new UrlFault("names no user, and the process has none either");
  }
}

function decode(text: string, part: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    throw new UrlFault(`has a % in the ${part} that no two hex digits follow; ${ESCAPE}`);
  }
  if (decoded.includes("\0")) throw new UrlFault(`has a NUL in the ${part}`);
  return decoded;
}
