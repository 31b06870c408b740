import { ImportError } from "./import-error.ts";

/** Text in the encoding of a file, as the parser of its records takes it, and back. */
export interface TextEncoding {
  /** As `TextDecoder` names it. */
  readonly name: string;
  /** What the file began with before its text: a byte order mark, or nothing. */
  readonly mark: Buffer;
  /** The parser's bytes as text; undefined when they are no text in this encoding. */
  decode(bytes: Buffer): string | undefined;
  /** Text as the parser's bytes. A character that the encoding lacks becomes a question mark. */
  encode(text: string): Buffer;
  /** The parser's bytes as those of the file. */
  toFile(bytes: Buffer): Buffer;
}

/** ASCII does not stand for itself in them throughout, so their separators and quotes cannot be found. */
const UNREADABLE = ["iso-2022-jp", "x-user-defined"];

const SINGLE_BYTE = /^(windows|iso-8859|koi8|macintosh|x-mac|ibm)/;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Whether a text that was said to be in `encoding` is UTF-8 instead: by chance that does not happen to letters. */
export function isUtf8Instead(encoding: TextEncoding, bytes: Buffer): boolean {
  return SINGLE_BYTE.test(encoding.name) && decodeBy(utf8, bytes) !== undefined;
}

/** The name of an encoding as people write it. */
export function shown(name: string): string {
  return name
    .replace(/^(utf|iso|ibm)/, (prefix) => prefix.toUpperCase())
    .replace(/(le|be)$/, (order) => order.toUpperCase());
}

/**
 * The name by which `TextDecoder` knows the encoding `label`.
 *
 * @throws ImportError
 */
export function encodingName(label: string): string {
  let name: string | undefined;
  try {
    name = new TextDecoder(label).encoding;
  } catch {
    // said below
  }
  if (name === undefined || UNREADABLE.includes(name)) {
    throw new ImportError(
      `--encoding: “${label}” is not known; those that are: utf-8, utf-16le, utf-16be, windows-1252 (Western Europe), ` +
        "windows-1250, iso-8859-15, macintosh, shift_jis, gb18030 and others that browsers know.",
    );
  }
  return name;
}

/** The encoding with this name, of a file that began with `mark`. */
export function textEncoding(name: string, mark: Buffer): TextEncoding {
  if (name.startsWith("utf-")) {
    return {
      name,
      mark,
      decode: (bytes) => decodeBy(utf8, bytes),
      encode: (text) => Buffer.from(text),
      toFile: (bytes) => {
        if (name === "utf-8") return bytes;
        const units = Buffer.from(bytes.toString(), "utf16le");
        return name === "utf-16be" ? units.swap16() : units;
      },
    };
  }
  const decoder = new TextDecoder(name, { fatal: true });
  const byteOf = new Map<string, number>();
  for (let byte = 255; byte >= 0; byte--) {
    const character = decodeBy(decoder, Buffer.of(byte));
    if (character) byteOf.set(character, byte);
  }
  return {
    name,
    mark,
    decode: (bytes) => decodeBy(decoder, bytes),
    encode: (text) => Buffer.from([...text].map((character) => byteOf.get(character) ?? 63)),
    toFile: (bytes) => bytes,
  };
}

function decodeBy(decoder: TextDecoder, bytes: Buffer): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
