/** What a client may do: so many at once, which come back one after the other within the window. */
export interface Quota {
  readonly limit: number;
  readonly windowMs: number;
}

/**
 * Takes `wanted` or what there is of it, by the generic cell rate algorithm, as the script in Redis does for all processes.
 *
 * @param fullAt when all of it is there again, in milliseconds of any clock that `now` is of
 */
export function take({ limit, windowMs }: Quota, fullAt: number, now: number, wanted: number) {
  const interval = windowMs / limit;
  const full = Math.max(fullAt, now);
  // a thousandth, for sums of fractions
  const free = Math.max(0, Math.floor((now + windowMs - full) / interval + 0.001));
  const given = Math.min(free, wanted);
  const after = full + given * interval;
  return { given, left: free - given, fullInMs: after - now };
}
