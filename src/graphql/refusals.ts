import { z } from "zod";
import { Refusal } from "../cqrs/errors.ts";
import type { Builder } from "./builder.ts";
import { defineIdempotencyKeyReused } from "./idempotency-key.ts";

/** A text can break this many rules at once: length, kinds of characters, well-formedness. */
const RULES_OF_A_FIELD = 4;

/** One field of an input and what is wrong with it. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** The input breaks a rule; every broken one is listed. */
export class ValidationError extends Refusal {
  readonly fieldErrors: readonly FieldError[];

  constructor(error: z.ZodError) {
    const fieldErrors = error.issues.map(({ path, message }) => ({ field: path.join("."), message }));
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

/**
 * The refusals that all aggregates share. `inputFields` is how many fields the largest input has.
 *
 * @returns the interface that every refusal implements
 */
export function defineRefusals(builder: Builder, inputFields: number) {
  const error = builder.interfaceRef<Error>("Error").implement({
    description: "Why a mutation was refused. Nothing was changed.",
    fields: (t) => ({ message: t.exposeString("message", { description: "The reason, for people." }) }),
  });

  const fieldError = builder.objectRef<FieldError>("FieldError").implement({
    description: "A field of the input that breaks a rule.",
    fields: (t) => ({
      field: t.exposeString("field", { description: "The name of the field." }),
      message: t.exposeString("message", { description: "What is wrong with it, for people." }),
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
