/**
 * How the values of a property stand in a row, where that can be said without MikroORM: as in an instance; as a boolean,
 * which is a number on SQLite; or as a time, which is there one of milliseconds.
 */
export type ValueKind = "plain" | "boolean" | "time";

/** A text without a zone is one of UTC: SQLite's functions make such. */
export function timeText(raw: unknown): unknown {
  const isBare = typeof raw === "string" && !/(z|[+-]\d\d(:?\d\d)?)$/i.test(raw);
  const time = raw instanceof Date ? raw : new Date(isBare ? `${raw.replace(" ", "T")}Z` : (raw as string | number));
  // PostgreSQL has times that are none for JavaScript, such as infinity
  return Number.isNaN(time.getTime()) ? String(raw) : time.toISOString();
}
