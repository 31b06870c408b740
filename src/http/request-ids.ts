import { randomFillSync } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** What a client may call its request: printable ASCII, which neither a log nor a header takes for anything else. */
const GIVEN = /^[ -~]{1,128}$/;

/** Of a new one. It says nothing of how many there were, as a count would. */
const ID_BYTES = 12;
/** To ask for random bytes one id at a time would take longer than all else that is done for one. */
const random = Buffer.allocUnsafeSlow(512 * ID_BYTES);
let used = random.length;

/** By what a request is known in its answer, in the log and in traces: as its client calls it, or by a new id. */
export function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers["x-request-id"];
  return given !== undefined && GIVEN.test(String(given)) ? String(given) : newRequestId();
}

/** An id that no other request has. */
export function newRequestId(): string {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  const from = used;
  used += ID_BYTES;
  return random.toString("base64url", from, used);
}
