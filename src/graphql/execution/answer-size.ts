/** The longest text that one field may have, in bytes, with some to spare: of an object, all of it as a form has it. */
const LONGEST_VALUE = 64_000;

/** Whether an answer may be longer than `maxBytes`. Most may not, and need not be looked at. */
export function mayExceed(maxBytes: number, cost: number, requestLength: number): boolean {
  // each value has a name that the client gives, and may be what the client sent
  return cost * (LONGEST_VALUE + 3 * requestLength) > maxBytes;
}

/** Whether `data` has more than `maxBytes` as JSON, which is not made for that. */
export function exceeds(maxBytes: number, data: unknown): boolean {
  return bytesOf(data, mostBytes, maxBytes) > maxBytes && bytesOf(data, exactBytes, maxBytes) > maxBytes;
}

/** The bytes of `value` as JSON, counted until they are more than `maxBytes`. */
function bytesOf(value: unknown, bytesOfText: (text: string) => number, maxBytes: number): number {
  let bytes = 0;
  const count = (part: unknown): void => {
    if (typeof part === "string") {
      bytes += bytesOfText(part);
    } else if (typeof part !== "object" || part === null) {
      bytes += String(part).length;
    } else if (Array.isArray(part)) {
      bytes += 2;
      for (const entry of part) {
        bytes += 1;
        count(entry);
        if (bytes > maxBytes) return;
      }
    } else {
      bytes += 2;
      for (const name in part) {
        bytes += name.length + 4;
        count((part as Record<string, unknown>)[name]);
        if (bytes > maxBytes) return;
      }
    }
  };
  count(value);
  return bytes;
}

/** A control character is written as six. */
function mostBytes({ length }: string): number {
  return 6 * length + 2;
}

function exactBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}
