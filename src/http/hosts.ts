import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";
import { Remembered } from "./remembered.ts";

/** The names under which a service on a loopback address is asked for by those who may. */
export const LOOPBACK_HOSTS = ["localhost", "*.localhost", "127.0.0.0/8", "[::1]"] as const;

/** A name or address of the Host header, and a port. `URL` alone would let a user's name, spaces and paths through. */
const AUTHORITY = /^([\w.-]+|\[[\da-f:.]+\])(:\d*)?$/i;
const NAME = /^(\*\.)?[a-z\d_-]+(\.[a-z\d_-]+)*\.?$/i;

export type HostVerdict = "allowed" | "refused" | "malformed";

/** Which hosts a request may name. */
export class AllowedHosts {
  readonly #any: boolean;
  readonly #names: ReadonlySet<string>;
  readonly #suffixes: readonly string[];
  readonly #addresses = new BlockList();
  readonly #trustProxy: boolean;
  readonly #verdicts = new Remembered(255, (host) => this.#judge(host));

  /** @param trustProxy whether the host is what `X-Forwarded-Host` says, where there is one */
  constructor(hosts: readonly string[], trustProxy: boolean) {
    const names = hosts.filter((host) => !host.startsWith("*") && !addressOf(host)).map(plainName);
    this.#any = hosts.includes("*");
    this.#names = new Set(names);
    this.#suffixes = hosts.filter((host) => host.startsWith("*.")).map((host) => plainName(host.slice(1)));
    for (const host of hosts) {
      const { address, prefix, family } = addressOf(host) ?? {};
      if (address) this.#addresses.addSubnet(address, prefix as number, family);
    }
    this.#trustProxy = trustProxy;
  }

  /** What is to be said of the host of a request, or of that of the whole URL that it asked for. */
  check({ headers, rawHeaders, httpVersionMinor }: IncomingMessage, authority?: string): HostVerdict {
    const count = countOfHosts(rawHeaders);
    // of two the first counts for one server, the last for the next; only HTTP/1.0 may do without
    if (count > 1 || (count === 0 && httpVersionMinor > 0) || authority === "") return "malformed";
    const forwarded = this.#trustProxy ? headers["x-forwarded-host"] : undefined;
    if (typeof forwarded === "string") return worst(forwarded.split(",").map((host) => this.#verdicts.of(host.trim())));
    const verdict = this.#verdicts.of(headers.host ?? "");
    return authority === undefined ? verdict : worst([verdict, this.#verdicts.of(authority)]);
  }

  /** The host that a request names, with its port, if it is one. */
  hostOf({ headers }: IncomingMessage): string | undefined {
    const forwarded = this.#trustProxy ? headers["x-forwarded-host"] : undefined;
    return typeof forwarded === "string" ? forwarded : headers.host;
  }

  /** @param name without a port, in any form */
  includes(name: string): boolean {
    return this.#any || this.#isAllowed(plainName(name));
  }

  #judge(host: string): HostVerdict {
    if (host === "") return this.#any ? "allowed" : "refused";
    // in one form: small letters, addresses as short as they can be
    const name = AUTHORITY.test(host) ? URL.parse(`http://${host}`)?.hostname : undefined;
    if (!name) return "malformed";
    return this.includes(name) ? "allowed" : "refused";
  }

  #isAllowed(name: string): boolean {
    const { address, family } = addressOf(name) ?? {};
    if (address) return this.#addresses.check(address, family);
    return this.#names.has(name) || this.#suffixes.some((suffix) => name.endsWith(suffix));
  }
}

/** Whether `ALLOWED_HOSTS` may hold it: a name, an address, a network, `*.` before a name, or `*`. */
export function isHostPattern(host: string): boolean {
  return host === "*" || addressOf(host) !== undefined || (NAME.test(host) && !/^[\d.]+$/.test(host));
}

/** Whether a service that listens at `host` is heard on its own machine only. */
export function isLoopback(host: string): boolean {
  return new AllowedHosts(LOOPBACK_HOSTS, false).includes(host);
}

/** An IPv4 address, an IPv6 one in brackets or without, or a network of such. */
function addressOf(host: string) {
  const [, address = "", prefix] = /^\[?([\da-f:.]+)\]?(?:\/(\d{1,3}))?$/i.exec(host) ?? [];
  const version = isIP(address);
  const bits = version === 6 ? 128 : 32;
  if (!version || Number(prefix ?? 0) > bits) return undefined;
  return { address, prefix: Number(prefix ?? bits), family: version === 6 ? ("ipv6" as const) : ("ipv4" as const) };
}

/** Names are the same in capitals and with the root's dot behind them. */
function plainName(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

function countOfHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (name.length === 4 && name.toLowerCase() === "host") count++;
  }
  return count;
}

function worst(verdicts: readonly HostVerdict[]): HostVerdict {
  return verdicts.find((verdict) => verdict === "malformed") ?? verdicts.find((v) => v === "refused") ?? "allowed";
}
