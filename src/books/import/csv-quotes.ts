/** Where the quotes of a record are wrong. */
export interface QuoteFault {
  /** 1 for the first. */
  readonly column: number;
  /** Index in the record's text of the quote that is not where one may be, or that is never closed. */
  readonly at: number;
}

/**
 * Looks for quotes that are not by the book (RFC 4180): they enclose a whole field, and are doubled inside it. The one
 * exception is `="0123"`, by which a spreadsheet keeps text from becoming a number.
 */
export function findQuoteFault(text: string, delimiter: string): QuoteFault | undefined {
  let at = 0;
  for (let column = 1; ; column++) {
    const quoted = text[at] === '"';
    let end: number;
    if (quoted) {
      const close = closingQuote(text, at);
      if (close === -1) return { column, at };
      end = close + 1;
      if (end < text.length && text[end] !== delimiter) return { column, at: close };
    } else {
      const next = text.indexOf(delimiter, at);
      end = next === -1 ? text.length : next;
      // in the field alone: a search of the rest for each of many fields would never end
      const field = text.slice(at, end);
      const quote = field.indexOf('"');
      if (quote !== -1 && !/^="[^"]*"$/.test(field)) return { column, at: at + quote };
    }
    if (end === text.length) return undefined;
    at = end + 1;
  }
}

/** The quote that closes the one at `open`, or -1. */
function closingQuote(text: string, open: number): number {
  let quote = text.indexOf('"', open + 1);
  while (quote !== -1 && text[quote + 1] === '"') quote = text.indexOf('"', quote + 2);
  return quote;
}
