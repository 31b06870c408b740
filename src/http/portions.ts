import type { ServerResponse } from "node:http";

/** Longer answers are handed over in portions of this size, so that it is seen whether the client takes them. */
export const PORTION_BYTES = 65_536;

/** Hands an answer over as the client takes it. */
export function inPortions(response: ServerResponse, bytes: Buffer): void {
  let at = 0;
  const next = () => {
    while (at + PORTION_BYTES < bytes.length) {
      const portion = bytes.subarray(at, at + PORTION_BYTES);
      at += PORTION_BYTES;
      if (!response.write(portion)) return void response.once("drain", next);
    }
    response.end(bytes.subarray(at));
  };
  next();
}
