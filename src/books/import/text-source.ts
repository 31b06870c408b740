import { ImportError } from "./import-error.ts";
import { encodingName, shown, type TextEncoding, textEncoding } from "./text-encoding.ts";

/** The text of a file as it is being read. */
export interface TextSource {
  readonly encoding: TextEncoding;
  /** In an encoding where ASCII has one byte a character: UTF-16 as UTF-8, every other one as it stands in the file. */
  readonly chunks: AsyncGenerator<Buffer>;
  /** How many bytes of the file were read, and how many of `chunks` came from them. */
  readonly position: { file: number; text: number };
}

/** A UTF-16 file that is not well formed from somewhere on. */
export class TextFault extends Error {}

const MARKS: readonly [bytes: string, encoding: string][] = [
  ["\xff\xfe\0\0", "utf-32"],
  ["\0\0\xfe\xff", "utf-32"],
  ["\xff\xfe", "utf-16le"],
  ["\xfe\xff", "utf-16be"],
  ["\xef\xbb\xbf", "utf-8"],
];

/** What people have beside CSV, by the bytes that it begins with. */
const NOT_TEXT: readonly [bytes: string, what: string][] = [
  ["PK\x03\x04", "a zip archive, as .xlsx and .ods files are; save it as CSV first"],
  ["\xd0\xcf\x11\xe0", "an Excel workbook; save it as CSV first"],
  ["\x1f\x8b", "compressed by gzip; unpack it first"],
  ["%PDF", "a PDF document"],
];

/**
 * Begins to read the text of the file `name`. `label` says which encoding it is in; without it that is UTF-8. Nothing
 * is guessed: a file that begins like one in another encoding is refused, with what to say.
 *
 * @throws ImportError
 */
export async function openText(
  name: string,
  bytes: AsyncGenerator<Buffer>,
  label: string | undefined,
): Promise<TextSource> {
  const wanted = encodingName(label ?? "utf-8");
  let first: Buffer = Buffer.alloc(0);
  // a pipe may bring them one by one
  while (first.length < 4) {
    const { value, done } = await bytes.next();
    if (done) break;
    first = Buffer.concat([first, value]);
  }
  const start = first.toString("latin1", 0, 4);
  const what = NOT_TEXT.find(([signature]) => start.startsWith(signature))?.[1];
  if (what) throw new ImportError(`${name} is no CSV file, but ${what}.`);

  const [mark = "", marked] = MARKS.find(([mark]) => start.startsWith(mark)) ?? [];
  // "utf-16" leaves the byte order to the mark
  const chosen = marked?.startsWith("utf-16") && /^\s*utf-?16\s*$/i.test(label ?? "") ? marked : wanted;
  const contradiction = contradict(start, marked, chosen, label);
  if (contradiction) throw new ImportError(`${name} ${contradiction}.`);

  const encoding = textEncoding(chosen, Buffer.from(mark, "latin1"));
  const position = { file: mark.length, text: 0 };
  async function* chunks(): AsyncGenerator<Buffer> {
    const decode = chosen.startsWith("utf-16") ? utf16Decoder(chosen) : (chunk: Buffer | undefined) => chunk;
    let chunk: Buffer | undefined = first.subarray(mark.length);
    for (let ended = false; !ended; ) {
      const text = decode(chunk) ?? Buffer.alloc(0);
      position.file += chunk?.length ?? 0;
      position.text += text.length;
      yield text;
      ended = chunk === undefined;
      if (!ended) ({ value: chunk } = await bytes.next());
    }
  }
  return { encoding, chunks: chunks(), position };
}

/** What the beginning of a file says against reading it as `chosen`, if it does. */
function contradict(
  start: string,
  marked: string | undefined,
  chosen: string,
  label: string | undefined,
): string | undefined {
  if (marked === "utf-32") return "is UTF-32 text by its byte order mark; save it as UTF-8";
  if (marked && marked !== chosen) {
    const found = `is ${shown(marked)} text by its byte order mark`;
    return label === undefined
      ? `${found}; to import it as that: --encoding ${marked}`
      : `${found}, and --encoding says ${chosen}`;
  }
  const zeros = /^[^\0]\0/.test(start) ? "utf-16le" : /^\0[^\0]/.test(start) ? "utf-16be" : undefined;
  return zeros && zeros !== chosen
    ? `looks like ${shown(zeros)} text without a byte order mark; if it is: --encoding ${zeros}`
    : undefined;
}

/** Makes UTF-16 UTF-8, chunk by chunk; undefined is the end. */
function utf16Decoder(encoding: string): (chunk: Buffer | undefined) => Buffer {
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  return (chunk) => {
    try {
      return Buffer.from(decoder.decode(chunk, { stream: chunk !== undefined }));
    } catch {
      throw new TextFault(`what follows is not ${shown(encoding)} text throughout`);
    }
  };
}
