import { z } from "zod";

/**
 * What a form needs of a field and JSON Schema cannot say: in words what the rules ask for, how long a text may be, in
 * Unicode code points (JSON Schema would apply `maxLength` before the trimming that comes first here), and the element of
 * HTML that takes it, where the type does not tell.
 */
export const formHints = z.registry<{
  message: string;
  minLength?: number;
  maxLength?: number;
  inputType?: "textarea" | "url";
}>();

/** What is wrong with a field, for programs. `limit` is how long a text may be, or the bound of a number. */
export interface Fault {
  readonly code: "REQUIRED" | "TOO_LONG" | "TOO_SMALL" | "TOO_LARGE" | "INVALID_CHARACTER" | "INVALID_FORMAT";
  readonly limit?: number;
}

/** What zod is to say of a value that is refused, to people and to programs. */
function fault(error: string, code: Fault["code"], limit?: number) {
  return { error, params: { code, ...(limit !== undefined && { limit }) } satisfies Fault };
}

/** NFC makes no more than four code points into one. */
const LARGEST_SHRINKAGE = 4;

interface Characters {
  /** What a text must not have. */
  readonly forbidden: RegExp;
  /** One character of those that it may have, as a regular expression of HTML and JSON Schema has it. */
  readonly allowed: string;
  readonly message: string;
}

const LINE: Characters = {
  forbidden: /\p{Cc}/u,
  allowed: "[^\\p{Cc}\\p{Cs}]",
  message: "must not contain control characters",
};

/** A line break of any system is one character. */
const LINES: Characters = {
  forbidden: /(?![\t\n])\p{Cc}/u,
  allowed: "(?:[^\\p{Cc}\\p{Cs}]|[\\t\\n]|\\r(?!\\n)|\\r\\n)",
  message: "must not contain control characters other than tabs and line breaks",
};

/** Text of 1 to `maxLength` code points after NFC and trimming, in one line: without control characters. */
export function text(label: string, maxLength: number) {
  return textOf(label, maxLength, LINE).register(formHints, {
    message: `must have 1 to ${maxLength} characters, and no control characters`,
    minLength: 1,
    maxLength,
  });
}

/** As `text`, in as many lines as people like, whose breaks are stored as U+000A. */
export function longText(label: string, maxLength: number) {
  return textOf(label, maxLength, LINES).register(formHints, {
    message: `must have 1 to ${maxLength} characters, and no control characters other than tabs and line breaks`,
    minLength: 1,
    maxLength,
    inputType: "textarea",
  });
}

function textOf(label: string, maxLength: number, { forbidden, allowed, message }: Characters) {
  const tooLong = fault(`must have at most ${maxLength} characters`, "TOO_LONG", maxLength);
  return (
    z
      .string("must not be null")
      .overwrite((value) => (value.includes("\r") ? value.replaceAll(/\r\n?/g, "\n") : value))
      .trim()
      // to normalise takes time by the square of the marks that follow one another
      .refine((value) => !hasMoreCodePoints(value, LARGEST_SHRINKAGE * maxLength), { ...tooLong, abort: true })
      .normalize("NFC")
      .trim()
      .refine((value) => value !== "", fault("must not be empty", "REQUIRED"))
      .refine((value) => !hasMoreCodePoints(value, maxLength), tooLong)
      .refine((value) => !forbidden.test(value), fault(message, "INVALID_CHARACTER"))
      .refine((value) => value.isWellFormed(), fault("must be well-formed Unicode", "INVALID_CHARACTER"))
      .meta({ title: label, pattern: `^\\s*(?!\\s)${allowed}{1,${maxLength}}(?<!\\s)\\s*$` })
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

/** A time of RFC 3339; leap seconds are none for JavaScript. */
const TIME = /^(\d{4}-\d\d-\d\d)[Tt ](?:[01]\d|2[0-3])(?::[0-5]\d){2}(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** A time of RFC 3339 as it is stored: in UTC, with milliseconds. Undefined for what is none, or no time of years 1 to 9999. */
export function storedTime(value: string): string | undefined {
  const [, day] = TIME.exec(value) ?? [];
  if (day === undefined || !isDay(day)) return undefined;
  const time = new Date(value.toUpperCase().replace(" ", "T")).toISOString();
  return isDay(time.slice(0, 10)) ? time : undefined;
}

/** A day, written `YYYY-MM-DD`. */
export function day(label: string) {
  return z
    .string()
    .refine(isDay, fault(DAY_MESSAGE, "INVALID_FORMAT"))
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

/** Language, script, region, variants, and what is for private use; extensions say how to show things, not in which language. */
const LANGUAGE_TAG =
  "(?:[A-Za-z]{2,3}|[A-Za-z]{5,8})(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|\\d{3}))?" +
  "(?:-(?:[A-Za-z\\d]{5,8}|\\d[A-Za-z\\d]{3}))*(?:-[Xx](?:-[A-Za-z\\d]{1,8})+)?";
/** No tag that anybody uses is nearly as long. */
const LANGUAGE_LENGTH = 100;
const LANGUAGE_MESSAGE = "must be a language tag such as en, pt-BR or zh-Hant";

/** A language by its BCP 47 tag, which is stored in its canonical form: `eng-us` as `en-US`. */
export function language(label: string) {
  const form = new RegExp(`^${LANGUAGE_TAG}$`);
  return z
    .string()
    .trim()
    .refine((value) => value.length <= LANGUAGE_LENGTH && form.test(value), {
      ...fault(LANGUAGE_MESSAGE, "INVALID_FORMAT"),
      abort: true,
    })
    .refine((value) => canonicalLanguage(value) !== undefined, fault(LANGUAGE_MESSAGE, "INVALID_FORMAT"))
    .overwrite((value) => canonicalLanguage(value) ?? value)
    .meta({ title: label, pattern: `^(?!\\s*\\S{${LANGUAGE_LENGTH + 1}})\\s*${LANGUAGE_TAG}\\s*$` })
    .register(formHints, { message: LANGUAGE_MESSAGE });
}

/** Undefined for what has the form of a tag and is none all the same: the same variant twice. */
function canonicalLanguage(tag: string): string | undefined {
  try {
    return Intl.getCanonicalLocales(tag)[0];
  } catch {
    return undefined;
  }
}

const URL_MESSAGE = "must be a web address that begins with https://";
const HOST_LABEL = "[A-Za-z\\d](?:[A-Za-z\\d\\-]{0,61}[A-Za-z\\d])?";
/** The name of a host, which is in ASCII everywhere, or four numbers. One that ends in a number is none. */
const HOST = `(?:(?:${HOST_LABEL}\\.)*[A-Za-z](?:[A-Za-z\\d\\-]{0,61}[A-Za-z\\d])?|(?:(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)\\.){3}(?:25[0-5]|2[0-4]\\d|1?\\d?\\d))`;
const PORT = "(?::(?:\\d{1,4}|[1-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d{2}|655[0-2]\\d|6553[0-5]))?";
const HTTPS = `https://${HOST}${PORT}(?:[\\/?#][^\\s\\p{C}"<>\\\\^\`\\{\\|\\}]*)?`;

/** A web address of https, of `maxLength` code points at most; without a user's name, which is mostly there to deceive. */
export function httpsUrl(label: string, maxLength: number) {
  const form = new RegExp(`^${HTTPS}$`, "u");
  return z
    .string()
    .trim()
    .refine((value) => !hasMoreCodePoints(value, maxLength), {
      ...fault(`must have at most ${maxLength} characters`, "TOO_LONG", maxLength),
      abort: true,
    })
    .refine((value) => form.test(value), fault(URL_MESSAGE, "INVALID_FORMAT"))
    .meta({ title: label, pattern: `^(?!\\s*\\S{${maxLength + 1}})\\s*${HTTPS}\\s*$` })
    .register(formHints, { message: URL_MESSAGE, maxLength, inputType: "url" });
}
