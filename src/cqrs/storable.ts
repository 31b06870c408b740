/**
 * Whether both engines and JSON can hold a value: SQLite's text ends at a NUL, half a surrogate pair is no UTF-8, and
 * what is no number has no JSON. So it is with all that is in an array or an object.
 */
export function isStorable(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed() && !value.includes("\0");
  if (typeof value === "number") return Number.isFinite(value);
  if (value instanceof Date) return isStorable(value.getTime());
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return true;
  if (Array.isArray(value)) return value.every(isStorable);
  return Object.entries(value).every((entry) => entry.every(isStorable));
}

/** @throws RangeError that names the property whose value is not storable */
export function requireStorable(data: object): void {
  for (const [property, value] of Object.entries(data)) {
    if (!isStorable(value))
      throw new RangeError(`${property} holds a NUL, half a surrogate pair, or what is no number or time`);
  }
}
