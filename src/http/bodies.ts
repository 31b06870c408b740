import type { Exchange } from "./exchange.ts";
import { Pieces } from "./pieces.ts";

/** What all bodies that are still arriving may have together, unless one alone may have more. */
const MAX_ARRIVING_BYTES = 64_000_000;
const FIRST_BYTES = 1024;

/** Why there is no body. */
export type BodyFault = "too large" | "too slow" | "in too many pieces";

/** A body of which a part has come. Its pieces are copied together: each by itself would keep hundreds of bytes. */
interface Arriving {
  bytes: Buffer;
  size: number;
  readonly pieces: Pieces;
  readonly give: (body: Buffer | BodyFault) => void;
}

/** Reads the bodies of requests into bounded memory. */
export class Bodies {
  readonly #maxBytes: number;
  readonly #maxArriving: number;
  /** In the order in which they began to arrive. */
  readonly #arriving = new Set<Arriving>();
  #total = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#maxArriving = Math.max(MAX_ARRIVING_BYTES, 2 * maxBytes);
  }

  /** The whole body. It rejects when the client leaves before. */
  read(exchange: Exchange): Promise<Buffer | BodyFault> {
    const { request } = exchange;
    return new Promise((resolve, reject) => {
      const announced = Number(request.headers["content-length"]);
      if (announced > this.#maxBytes) return resolve("too large");
      exchange.inviteBody();
      let whole: Buffer | undefined;
      let arriving: Arriving | undefined;
      let done = false;
      const give = (body: Buffer | BodyFault) => {
        done = true;
        if (arriving) this.#forget(arriving);
        resolve(body);
      };
      request.on("data", (piece: Buffer) => {
        if (done) return;
        // most come in one piece
        if (piece.length === announced) {
          whole = piece;
          return;
        }
        arriving ??= this.#begin(give);
        this.#add(arriving, piece);
      });
      request.on("end", () => {
        if (!done) give(whole ?? arriving?.bytes.subarray(0, arriving.size) ?? Buffer.alloc(0));
      });
      request.on("error", (error) => {
        if (!done && arriving) this.#forget(arriving);
        reject(error);
      });
    });
  }

  #begin(give: Arriving["give"]): Arriving {
    const arriving = { bytes: Buffer.alloc(0), size: 0, pieces: new Pieces(), give };
    this.#arriving.add(arriving);
    return arriving;
  }

  #add(arriving: Arriving, piece: Buffer): void {
    const size = arriving.size + piece.length;
    const fault = this.#faultOf(arriving, size, piece);
    if (fault) {
      arriving.give(fault);
      return;
    }
    if (size > arriving.bytes.length) this.#grow(arriving, size);
    piece.copy(arriving.bytes, arriving.size);
    arriving.size = size;
    // the oldest is the slowest; a whole one is gone in a moment
    for (const oldest of this.#arriving) {
      if (this.#total <= this.#maxArriving) break;
      oldest.give("too slow");
    }
  }

  #faultOf(arriving: Arriving, size: number, piece: Buffer): BodyFault | undefined {
    if (size > this.#maxBytes) return "too large";
    return arriving.pieces.admit(piece.length) ? undefined : "in too many pieces";
  }

  #grow(arriving: Arriving, size: number): void {
    const bytes = Buffer.allocUnsafeSlow(Math.min(this.#maxBytes, Math.max(FIRST_BYTES, 2 * size)));
    arriving.bytes.copy(bytes, 0, 0, arriving.size);
    this.#total += bytes.length - arriving.bytes.length;
    arriving.bytes = bytes;
  }

  #forget(arriving: Arriving): void {
    if (this.#arriving.delete(arriving)) this.#total -= arriving.bytes.length;
  }
}
