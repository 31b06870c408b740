/** Clients send few different ones of a header; but those of one client may all differ. */
const MAX_REMEMBERED = 100;

/** Works something out of what clients send in a header, once for each of the last texts. */
export class Remembered<V> {
  readonly #workOut: (text: string) => V;
  readonly #maxLength: number;
  readonly #known = new Map<string, V>();

  /** Texts longer than `maxLength` are worked out each time. */
  constructor(maxLength: number, workOut: (text: string) => V) {
    this.#maxLength = maxLength;
    this.#workOut = workOut;
  }

  of(text: string): V {
    const known = this.#known.get(text);
    if (known !== undefined || this.#known.has(text)) return known as V;
    const value = this.#workOut(text);
    if (this.#known.size >= MAX_REMEMBERED) this.#known.clear();
    if (text.length <= this.#maxLength) this.#known.set(text, value);
    return value;
  }
}
