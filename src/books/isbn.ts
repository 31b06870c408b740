import { z } from "zod";
import { formHints } from "../graphql/field-rules.ts";

const MESSAGE = "must be an ISBN of 10 or 13 digits, with or without hyphens";

/** Digits and X are those of ASCII or full-width; dashes of every kind and spaces may stand anywhere. */
const DIGIT = "[\\d\\uFF10-\\uFF19]";
const GAP = "[\\s\\p{Pd}]*";

/** An ISBN, which is stored without hyphens. */
export const isbn = z
  .string()
  .overwrite((value) =>
    value
      .replaceAll(/[\s\p{Pd}]/gu, "")
      .replaceAll(/[\uFF10-\uFF19\uFF38\uFF58]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
      .toUpperCase(),
  )
  .regex(/^(\d{9}[\dX]|\d{13})$/, MESSAGE)
  .meta({
    title: "ISBN",
    description: "10 or 13 digits; hyphens and spaces are ignored.",
    pattern: `^${GAP}(?:(?:${DIGIT}${GAP}){9}(?:${DIGIT}|[Xx\\uFF38\\uFF58])|(?:${DIGIT}${GAP}){12}${DIGIT})${GAP}$`,
  })
  .register(formHints, { message: MESSAGE });

/** `value` as an ISBN is stored. What can be no ISBN becomes the empty one, which no row has. */
export function isbnKey(value: string): string {
  return isbn.safeParse(value).data ?? "";
}
