/** Whether `a` comes before `b` by Unicode code point, as in Redis and in both databases. */
export function isBefore(a: string, b: string): boolean {
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  return i === length ? a.length < b.length : rank(a.charCodeAt(i)) < rank(b.charCodeAt(i));
}

/** UTF-16 has the halves of the highest code points in the midst of the others. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}
