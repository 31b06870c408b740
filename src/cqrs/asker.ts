/** Who asks, as far as the kernel must know. */
export interface Asker {
  /** Tells the keys of one from those of all others: it is empty for whoever has not said who he is. */
  readonly subject: string;
  /** Who stands in the change log beside what he has changed; null for nobody. */
  readonly who: string | null;
}

/** Whoever has not said who he is. */
export const ANYBODY: Asker = { subject: "", who: null };
