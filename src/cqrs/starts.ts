const OPEN = 0;
const BEGUN = 1;
const WITHDRAWN = 2;

/**
 * Which commands of a batch have begun, and which were withdrawn before they could: each is decided once, by whoever comes
 * first, in whichever thread that is.
 */
export class Starts {
  /** Shared memory, which is what another thread is sent. */
  readonly cells: Int32Array<SharedArrayBuffer>;

  constructor(cells: Int32Array<SharedArrayBuffer>) {
    this.cells = cells;
  }

  static of(commands: number): Starts {
    return new Starts(new Int32Array(new SharedArrayBuffer(commands * Int32Array.BYTES_PER_ELEMENT)));
  }

  /** Those of one command of the batch. */
  only(index: number): Starts {
    return new Starts(this.cells.subarray(index, index + 1));
  }

  /** Says whether the command begins: from then on it may happen. One that has begun begins anew when it runs again. */
  begin(index: number): boolean {
    return Atomics.compareExchange(this.cells, index, OPEN, BEGUN) !== WITHDRAWN;
  }

  /** Says whether the command will never happen. */
  withdraw(index: number): boolean {
    return Atomics.compareExchange(this.cells, index, OPEN, WITHDRAWN) !== BEGUN;
  }
}
