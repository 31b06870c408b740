/** Counts what each client has at once of something that it may have so many of. */
export class Places {
  readonly max: number;
  readonly #taken = new Map<string, number>();

  constructor(max: number) {
    this.max = max;
  }

  hasRoomFor(client: string): boolean {
    return (this.#taken.get(client) ?? 0) < this.max;
  }

  /** Takes a place; what is returned gives it back. */
  take(client: string): () => void {
    this.#taken.set(client, (this.#taken.get(client) ?? 0) + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const left = (this.#taken.get(client) ?? 1) - 1;
      if (left > 0) this.#taken.set(client, left);
      else this.#taken.delete(client);
    };
  }
}
