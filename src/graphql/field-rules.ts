import { z } from "zod";

/**
 * What a form needs of a field and JSON Schema cannot say: in words what the rules ask for, and how long a text may be,
 * in Unicode code points (JSON Schema would apply `maxLength` before the trimming that comes first here).
 */
export const formHints = z.registry<{ message: string; minLength?: number; maxLength?: number }>();

/** NFC makes no more than four code points into one. */
const LARGEST_SHRINKAGE = 4;

/** Text of 1 to `maxLength` code points after NFC and trimming, without control characters. */
export function text(label: string, maxLength: number) {
  const tooLong = `must have at most ${maxLength} characters`;
  return (
    z
      .string("must not be null")
      .trim()
      // to normalise takes time by the square of the marks that follow one another
      .refine((value) => !hasMoreCodePoints(value, LARGEST_SHRINKAGE * maxLength), { error: tooLong, abort: true })
      .normalize("NFC")
      .trim()
      .refine((value) => value !== "", "must not be empty")
      .refine((value) => !hasMoreCodePoints(value, maxLength), tooLong)
      .refine((value) => !/\p{Cc}/u.test(value), "must not contain control characters")
      .refine((value) => value.isWellFormed(), "must be well-formed Unicode")
      .meta({ title: label, pattern: `^\\s*(?!\\s)[^\\p{Cc}\\p{Cs}]{1,${maxLength}}(?<!\\s)\\s*$` })
      .register(formHints, {
        message: `must have 1 to ${maxLength} characters, and no control characters`,
        minLength: 1,
        maxLength,
      })
  );
}

function hasMoreCodePoints(value: string, count: number): boolean {
  return value.length > count && (value.length > 2 * count || [...value].length > count);
}

const DAY_MESSAGE = "must be a date of the form YYYY-MM-DD";

/** A day of the Gregorian calendar from year 1 on: databases know no year 0. */
export function isDay(value: string): boolean {
  return /^(?!0000)\d{4}-/.test(value) && z.iso.date().safeParse(value).success;
}

/** A day, written `YYYY-MM-DD`. */
export function day(label: string) {
  return z
    .string()
    .refine(isDay, { error: DAY_MESSAGE })
    .meta({
      title: label,
      format: "date",
      // without it, a browser lets people type years of six digits
      formatMaximum: "9999-12-31",
      pattern: `^(?!0000)${z.regexes.date.source.replace(/^\^/, "")}`,
    })
    .register(formHints, { message: DAY_MESSAGE });
}

/** A whole number from `min` to `max`. */
export function wholeNumber(label: string, min: number, max: number) {
  return z
    .int("must be a whole number")
    .min(min, `must be at least ${min}`)
    .max(max, `must be at most ${max}`)
    .meta({ title: label })
    .register(formHints, { message: `must be a whole number from ${min} to ${max}` });
}
