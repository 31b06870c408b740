import { isIPv6 } from "node:net";

/** What may stand behind an address, and around one of IPv6 before a port. */
const WITH_PORT = /^\[([\da-f:.]+)\](?::\d+)?$|^(\d+\.\d+\.\d+\.\d+):\d+$/i;
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
/** Groups of an IPv6 address that are a network's; a client has all that is behind them. */
const NETWORK_GROUPS = 4;

/** Who asks, as far as the network tells: what a trusted proxy says, if there is one, else the address of the connection. */
export function addressOf(forwarded: string | undefined, remoteAddress: string): string {
  // each proxy puts the address that it sees behind what it was sent, which anybody may have made up
  const last = forwarded?.split(",").at(-1)?.trim() ?? "";
  const [, bracketed, plain] = WITH_PORT.exec(last) ?? [];
  return clientOf(bracketed ?? plain ?? (last || remoteAddress));
}

/** All addresses that one client has for the asking are one. */
function clientOf(address: string): string {
  const [, mapped] = MAPPED.exec(address) ?? [];
  if (mapped !== undefined || !isIPv6(address)) return mapped ?? address;
  // in one form, in which zeros may still be left out
  const text = URL.parse(`http://[${address.split("%")[0]}]`)?.hostname.slice(1, -1) ?? address;
  const [head = "", tail] = text.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail ? tail.split(":") : [];
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array.from({ length: zeros }, () => "0"), ...after].slice(0, NETWORK_GROUPS).join(":");
}
