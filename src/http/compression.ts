import { promisify } from "node:util";
import {
  type BrotliOptions,
  brotliCompress,
  brotliCompressSync,
  constants,
  crc32,
  deflateRaw,
  deflateRawSync,
  type ZlibOptions,
} from "node:zlib";
import Negotiator from "negotiator";
import { ownBytes } from "../graphql/execution/own-bytes.ts";
import { Remembered } from "./remembered.ts";

export type Encoding = "br" | "gzip";

/** In the order in which they are taken where a client does not mind: the first is smaller at the same cost. */
const ENCODINGS: readonly Encoding[] = ["br", "gzip"];
/** Shorter answers go as they are: they fit into a packet. */
const SHORTEST = 1000;
/** Up to here it takes some 40 µs, less than it takes to hand it to a thread and to take it back. */
const LONGEST_AT_ONCE = 16_000;
/** So many longer ones are compressed at once, by threads that others need, too; what comes meanwhile goes as it is. */
const MAX_RUNNING = 2;

/** The lowest levels: the next ones take twice the time for a tenth fewer bytes. Each ends on a byte, to be gone on from. */
const BROTLI: BrotliOptions = {
  params: { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT },
  finishFlush: constants.BROTLI_OPERATION_FLUSH,
};
const DEFLATE: ZlibOptions = { level: 1, finishFlush: constants.Z_SYNC_FLUSH };
const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff]);

/** A compressed text that another may be put behind as it is. */
interface Packed {
  readonly bytes: Buffer;
  readonly length: number;
  readonly crc: number;
}

/** Its types do not know this option. */
interface Preferring {
  encoding(available: string[], options: { preferred: string[] }): string | undefined;
}

/** Nobody has need of a longer one, and to read one of 16 kB takes a millisecond. */
const MAX_LENGTH = 500;

/**
 * Compresses answers. An answer that is sent again differs in its end only, the revision: so what comes before is compressed
 * once, and the end is put behind it as it is, which both formats have a way for.
 */
export class Compression {
  readonly #preferred = new Remembered(MAX_LENGTH, preferredOf);
  readonly #packed: Readonly<Record<Encoding, WeakMap<Buffer, Packed>>> = { br: new WeakMap(), gzip: new WeakMap() };
  #running = 0;

  /** What a client that accepts these would have an answer in; undefined for as it is. */
  encodingFor(accepted: string | undefined): Encoding | undefined {
    if (!accepted || accepted.length > MAX_LENGTH) return undefined;
    return this.#preferred.of(accepted);
  }

  /** `head` and `rest` compressed; undefined when they had better go as they are. */
  compress(encoding: Encoding, head: string | Buffer, rest: string): Buffer | undefined | Promise<Buffer> {
    if (head.length + rest.length <= SHORTEST) return undefined;
    if (typeof head === "string" && head.length <= LONGEST_AT_ONCE / 3) {
      return joined(encoding, packAtOnce(encoding, Buffer.from(head)), rest);
    }
    const bytes = typeof head === "string" ? Buffer.from(head) : head;
    const known = this.#packed[encoding].get(bytes);
    if (known) return joined(encoding, known, rest);
    if (bytes.length <= LONGEST_AT_ONCE)
      return joined(encoding, this.#keep(encoding, bytes, packAtOnce(encoding, bytes)), rest);
    if (this.#running >= MAX_RUNNING) return undefined;
    return this.#packByThread(encoding, bytes).then((packed) => joined(encoding, packed, rest));
  }

  async #packByThread(encoding: Encoding, bytes: Buffer): Promise<Packed> {
    this.#running++;
    try {
      const packed = encoding === "br" ? await brotli(bytes, BROTLI) : await deflate(bytes, DEFLATE);
      return this.#keep(encoding, bytes, described(encoding, packed, bytes));
    } finally {
      this.#running--;
    }
  }

  /** For as long as the text itself is kept. What saves less than half is not: texts are charged for that much. */
  #keep(encoding: Encoding, text: Buffer, packed: Packed): Packed {
    if (packed.bytes.length <= text.length / 2) {
      this.#packed[encoding].set(text, { ...packed, bytes: ownBytes(packed.bytes) });
    }
    return packed;
  }
}

function preferredOf(accepted: string): Encoding | undefined {
  const negotiator: Preferring = new Negotiator({ headers: { "accept-encoding": accepted } });
  const preferred = negotiator.encoding([...ENCODINGS, "identity"], { preferred: [...ENCODINGS] });
  return ENCODINGS.find((one) => one === preferred);
}

const brotli = promisify<Buffer, BrotliOptions, Buffer>(brotliCompress);
const deflate = promisify<Buffer, ZlibOptions, Buffer>(deflateRaw);

function packAtOnce(encoding: Encoding, text: Buffer): Packed {
  return described(
    encoding,
    encoding === "br" ? brotliCompressSync(text, BROTLI) : deflateRawSync(text, DEFLATE),
    text,
  );
}

function described(encoding: Encoding, bytes: Buffer, text: Buffer): Packed {
  return { bytes, length: text.length, crc: encoding === "gzip" ? crc32(text) : 0 };
}

/** With `rest` behind it, as a block that is not compressed, and the end. */
function joined(encoding: Encoding, packed: Packed, rest: string): Buffer {
  const bytes = Buffer.from(rest);
  return encoding === "br" ? joinedBrotli(packed, bytes) : joinedGzip(packed, bytes);
}

/** RFC 7932: a meta-block that is not compressed, of a length in 16 bits, and an empty one, which is the last. */
function joinedBrotli({ bytes }: Packed, rest: Buffer): Buffer {
  if (rest.length === 0) return Buffer.concat([bytes, Buffer.of(3)]);
  const head = Buffer.alloc(3);
  head.writeUIntLE(((rest.length - 1) << 3) | (1 << 19), 0, 3);
  return Buffer.concat([bytes, head, rest, Buffer.of(3)]);
}

/** RFC 1951 and 1952: a stored block, which is the last, and the check sum and length of the whole text. */
function joinedGzip({ bytes, length, crc }: Packed, rest: Buffer): Buffer {
  const block = Buffer.of(1, 0, 0, 0, 0);
  block.writeUInt16LE(rest.length, 1);
  block.writeUInt16LE(~rest.length & 0xffff, 3);
  const end = Buffer.alloc(8);
  end.writeUInt32LE(crc32(rest, crc), 0);
  end.writeUInt32LE((length + rest.length) % 2 ** 32, 4);
  return Buffer.concat([GZIP_HEADER, bytes, block, rest, end]);
}
