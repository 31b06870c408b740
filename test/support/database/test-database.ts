/** A database of the test's own, on the engine that the run is for. */
export interface TestDatabase {
  readonly url: string;
  /** Deletes it and makes an empty one in its place. Nothing may be connected. */
  renew(): Promise<void>;
  /** Keeps a copy of it for `restore`, in place of an earlier one. Nothing may be connected. */
  backUp(): Promise<void>;
  /** Puts the copy in its place. Nothing may be connected. */
  restore(): Promise<void>;
  /** Another database with the same content, as it is at one moment. It may be in use. */
  copy(): Promise<TestDatabase>;
  /** Deletes it. Nothing may be connected. */
  drop(): Promise<void>;
}
