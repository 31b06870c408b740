import { z } from "zod";
import { Refusal } from "../cqrs/errors.ts";
import type { Builder } from "./builder.ts";
import { errorCodes } from "./error-codes.ts";
import type { Fault } from "./field-rules.ts";
import { defineIdempotencyKeyReused } from "./idempotency-key.ts";

/** A text can break this many rules at once: length, kinds of characters, well-formedness. */
const RULES_OF_A_FIELD = 4;

/** What programs know the refusals by that all aggregates share. */
const sharedRefusalCodes = {
  VALIDATION_FAILED: "The input breaks rules.",
  IDEMPOTENCY_KEY_REUSED: "The key was used for another mutation, or with another input.",
};

/** One field of an input and what is wrong with it. */
export interface FieldError extends Fault {
  readonly field: string;
  readonly message: string;
}

/** The input breaks a rule; every broken one is listed. */
export class ValidationError extends Refusal {
  readonly code = "VALIDATION_FAILED";
  readonly fieldErrors: readonly FieldError[];

  constructor(error: z.ZodError) {
    const fieldErrors = error.issues.map((issue) => ({
      field: issue.path.join("."),
      message: issue.message,
      ...faultOf(issue),
    }));
    super(fieldErrors.map(({ field, message }) => `${field} ${message}`).join("; "));
    this.fieldErrors = fieldErrors;
  }
}

/** Of a number that breaks no rule by itself, but is more than `maximum`, which is what there is room for. */
export function tooMuch(field: string, maximum: number): z.ZodError {
  const message = `must be at most ${maximum}`;
  return new z.ZodError([
    { code: "too_big", origin: "int", maximum, inclusive: true, path: [field], message, input: undefined },
  ]);
}

function faultOf(issue: z.core.$ZodIssue): Fault {
  switch (issue.code) {
    // whatever is no null was refused as of another type before
    case "invalid_type":
      return { code: "REQUIRED" };
    case "too_small":
      return { code: "TOO_SMALL", limit: Number(issue.minimum) };
    case "too_big":
      return { code: "TOO_LARGE", limit: Number(issue.maximum) };
    case "custom":
      return (issue.params as Fault | undefined) ?? { code: "INVALID_FORMAT" };
    default:
      return { code: "INVALID_FORMAT" };
  }
}

/** What a `FieldErrorCode` means. */
const FAULTS: Readonly<Record<Fault["code"], string>> = {
  REQUIRED: "There must be a value: it is null, or a text without anything in it.",
  TOO_LONG: "The text has more characters than `limit`, in Unicode code points.",
  TOO_SMALL: "The number is smaller than `limit`.",
  TOO_LARGE: "The number is larger than `limit`.",
  INVALID_CHARACTER: "The text has characters that it may not have, as control characters are.",
  INVALID_FORMAT: "The value does not have the form that it must have.",
};

/**
 * The refusals that all aggregates share. `inputFields` is how many fields the largest input has; `codes` are those of the
 * modules' own refusals and errors, and what each means.
 *
 * @returns the interface that every refusal implements
 */
export function defineRefusals(builder: Builder, inputFields: number, codes: Readonly<Record<string, string>>) {
  const errorCode = builder.enumType("ErrorCode", {
    description: "What a refusal or an error is, for programs: `code` of an `Error`, `extensions.code` in `errors`.",
    values: described({
      ...sharedRefusalCodes,
      ...Object.fromEntries(Object.entries(errorCodes).map(([code, { description }]) => [code, description])),
      ...codes,
    }),
  });

  const error = builder.interfaceRef<Refusal>("Error").implement({
    description: "Why a mutation was refused. Nothing was changed.",
    fields: (t) => ({
      message: t.exposeString("message", { description: "The reason, for people." }),
      code: t.expose("code", { type: errorCode, description: "The reason, for programs." }),
    }),
  });

  const fieldErrorCode = builder.enumType("FieldErrorCode", {
    description: "What is wrong with a field, for programs.",
    values: described(FAULTS),
  });
  const fieldError = builder.objectRef<FieldError>("FieldError").implement({
    description: "A field of the input that breaks a rule.",
    fields: (t) => ({
      field: t.exposeString("field", { description: "The name of the field." }),
      message: t.exposeString("message", { description: "What is wrong with it, for people." }),
      code: t.expose("code", { type: fieldErrorCode, description: "What is wrong with it, for programs." }),
      limit: t.exposeInt("limit", {
        nullable: true,
        description: "How long the text may be, or the smallest or largest number; null where nothing was passed.",
      }),
    }),
  });

  builder.objectType(ValidationError, {
    name: "ValidationError",
    description: "The input breaks rules; each field that does is listed.",
    interfaces: [error],
    fields: (t) => ({
      fieldErrors: t.expose("fieldErrors", {
        type: [fieldError],
        description: "What is wrong, field by field.",
        extensions: { listSize: RULES_OF_A_FIELD * inputFields },
      }),
    }),
  });
  defineIdempotencyKeyReused(builder, error);
  return error;
}

/** The values of an enum in the order of their names. */
function described(descriptions: Readonly<Record<string, string>>) {
  const names = Object.keys(descriptions).sort();
  return Object.fromEntries(names.map((name) => [name, { description: descriptions[name] as string }]));
}
