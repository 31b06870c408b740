/** A request and what came back, as they went over the wire. Times are on the machine's clock, in milliseconds. */
export interface Exchange {
  readonly method: string;
  readonly sent: string;
  readonly sentAt: number;
  readonly answeredAt: number;
  /** Undefined where nothing came back. */
  readonly status?: number | undefined;
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
  readonly received?: string | undefined;
}
