/** A body may come in so many pieces, and in one more for each so many bytes: each costs as much as a thousand bytes. */
const FREE_PIECES = 1000;
const BYTES_OF_PIECE = 16;

/** Counts the pieces in which a body arrives. */
export class Pieces {
  #count = 0;
  #bytes = 0;

  /** @returns false when there have been too many */
  admit(bytes: number): boolean {
    this.#bytes += bytes;
    return ++this.#count <= FREE_PIECES + this.#bytes / BYTES_OF_PIECE;
  }
}
