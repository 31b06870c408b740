import { z } from "zod";
import { formHints } from "../graphql/field-rules.ts";
import { isbnForms, storedIsbn } from "./isbn-forms.ts";

const MESSAGE = "must be an ISBN of 10 or 13 digits, with or without hyphens";

/** Digits and X are those of ASCII or full-width; dashes of every kind and spaces may stand anywhere. */
const DIGIT = "[\\d\\uFF10-\\uFF19]";
const GAP = "[\\s\\p{Pd}]*";

/** An ISBN, which is stored without hyphens, and as thirteen digits where it has a right check digit. */
export const isbn = z
  .string()
  .overwrite((value) =>
    storedIsbn(
      value
        .replaceAll(/[\s\p{Pd}]/gu, "")
        .replaceAll(/[\uFF10-\uFF19\uFF38\uFF58]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
        .toUpperCase(),
    ),
  )
  .regex(/^(\d{9}[\dX]|\d{13})$/, MESSAGE)
  .meta({
    title: "ISBN",
    description: "10 or 13 digits; hyphens and spaces are ignored.",
    pattern: `^${GAP}(?:(?:${DIGIT}${GAP}){9}(?:${DIGIT}|[Xx\\uFF38\\uFF58])|(?:${DIGIT}${GAP}){12}${DIGIT})${GAP}$`,
  })
  .register(formHints, { message: MESSAGE });

/** All forms in which a row may have the ISBN that `value` is, the stored one first; none if it can be no ISBN. */
export function isbnKeys(value: string): readonly string[] {
  const { data } = isbn.safeParse(value);
  return data === undefined ? [] : isbnForms(data);
}
