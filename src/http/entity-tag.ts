import { hash } from "node:crypto";

/** So much of the hash: chance makes no two of them the same. */
const LENGTH = 22;

/** Of texts that are kept as bytes: to hash 100 kB takes 100 µs. */
const known = new WeakMap<Buffer, string>();

/** The tag of an answer, of all that comes before its revision. It is weak: the answer may come in several encodings. */
export function entityTag(head: string | Buffer): string {
  if (typeof head === "string") return tagOf(head);
  let tag = known.get(head);
  if (tag === undefined) {
    tag = tagOf(head);
    known.set(head, tag);
  }
  return tag;
}

function tagOf(text: string | Buffer): string {
  return `W/"${hash("sha256", text, "base64url").slice(0, LENGTH)}"`;
}

/** Whether a client that sends this `If-None-Match` has what `tag` is of, by weak comparison. */
export function hasTag(ifNoneMatch: string, tag: string): boolean {
  if (ifNoneMatch === tag || ifNoneMatch.trim() === "*") return true;
  const opaque = tag.slice(2);
  return [...ifNoneMatch.matchAll(/"[^"]*"/g)].some(([one]) => one === opaque);
}
