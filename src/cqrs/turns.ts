/** Lets many have their turn without keeping all else waiting: so many at a time, and the event loop in between. */
export class Turns {
  readonly #atOnce: number;
  #waiting: (() => void)[] = [];

  /** @param atOnce how many have theirs before the loop has its */
  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  add(begin: () => void): void {
    if (this.#waiting.push(begin) === 1) setImmediate(() => this.#next());
  }

  #next(): void {
    // what these add has its turn later
    for (const begin of this.#waiting.splice(0, this.#atOnce)) begin();
    if (this.#waiting.length > 0) setImmediate(() => this.#next());
  }
}
