/** Of how many requests it is known that they came: about as many as there is room for answers. */
const SLOTS = 1 << 15;
/** Of a longer text so many characters are looked at. */
const MOST_CHARACTERS = 2000;

/**
 * The requests that came lately, each as a number: their texts would be what weighs. It may take one for another, which
 * costs room for one answer.
 */
export class SeenRequests {
  readonly #hashes = new Uint32Array(SLOTS);

  /** Notes that this one has come, and says whether it had before. */
  note(text: string): boolean {
    const hash = hashOf(text);
    const slot = hash % SLOTS;
    const isKnown = this.#hashes[slot] === hash;
    this.#hashes[slot] = hash;
    return isKnown;
  }
}

/** FNV-1a. */
function hashOf(text: string): number {
  const step = Math.ceil(text.length / MOST_CHARACTERS);
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += step) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
