import type { Mark } from "../mark.ts";

/** How many marks are remembered. The row's newest one, once looked up, is to be among them if Redis had it meanwhile. */
const REMEMBERED = 1000;

/**
 * The marks that one read model was seen at, over one connection, and which of them are known to be of this database's
 * history: the processes of a copy of the database may write to the same read model, in a history of their own.
 *
 * A change is applied on top of its predecessor's mark only. So a read model that was ever at a mark holds everything
 * up to it, whatever came later and whoever wrote that.
 */
export class Chain {
  readonly #seen = new Map<number, string>();
  #newest: Mark | undefined;
  #verified: number | undefined;
  #condemned = false;

  /** Notes a mark that Redis answered with. */
  see({ revision, token }: Mark): void {
    if (this.#newest?.token === token) return;
    const other = this.#seen.get(revision);
    if (other === token) return;
    if (other !== undefined) {
      // the data was replaced in place: what was seen says nothing of it
      this.#seen.clear();
      this.#verified = undefined;
      this.#newest = undefined;
    }
    this.#seen.set(revision, token);
    if (this.#seen.size > REMEMBERED) this.#seen.delete(this.#seen.keys().next().value as number);
    if (revision > (this.#newest?.revision ?? -1)) this.#newest = { revision, token };
  }

  /** Whether the read model holds everything up to `mark`, which is known to be of this history. */
  holds({ revision, token }: Mark): boolean {
    if (this.#condemned) return false;
    if (revision <= (this.#verified ?? -1)) return true;
    if (this.#seen.get(revision) !== token) return false;
    this.#verified = revision;
    return true;
  }

  /** Whether `mark`, as Redis answered with it, is one that was found to be of this history. */
  isVerified({ revision, token }: Mark): boolean {
    return this.isTrusted && revision <= (this.#verified as number) && this.#seen.get(revision) === token;
  }

  /** Whether some mark of it was found to be of this history, and nothing was found that speaks against it. */
  get isTrusted(): boolean {
    return this.#verified !== undefined && !this.#condemned;
  }

  get isCondemned(): boolean {
    return this.#condemned;
  }

  /** The newest mark that nothing is known of, if there is one. */
  get unverified(): Mark | undefined {
    return this.#newest && this.#newest.revision > (this.#verified ?? -1) ? this.#newest : undefined;
  }

  /** The newest revision that the read model was seen at. */
  get revision(): number | undefined {
    return this.#newest?.revision;
  }

  /** Notes that `mark`, which was seen, is of this history. */
  verify({ revision, token }: Mark): void {
    // it may have been replaced meanwhile
    if (this.#seen.get(revision) === token) this.#verified = Math.max(revision, this.#verified ?? 0);
  }

  /** Notes that the read model is of another history, or else unsound. Reads that are under way count no more. */
  condemn(): void {
    this.#condemned = true;
  }
}
