import { z } from "zod";
import { type Book, formHints, updateBookInput } from "../book.ts";

/** One field of the form, as an HTML form needs it. */
export interface FormField {
  readonly name: string;
  readonly label: string;
  /** The type of an HTML input. */
  readonly inputType: string;
  readonly value: string | null;
  readonly required: boolean;
  readonly readOnly: boolean;
  /** In Unicode code points. */
  readonly minLength: number | null;
  readonly maxLength: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly pattern: string | null;
  readonly helpText: string | null;
  /** What to say of a value that is refused. */
  readonly message: string | null;
}

export interface BookEditForm {
  readonly book: Book;
  readonly mutation: "updateBook";
  readonly fields: readonly FormField[];
  readonly jsonSchema: object;
  readonly uiSchema: object;
  readonly formData: object;
}

interface Property {
  readonly title: string;
  readonly type: string | readonly string[];
  readonly description?: string;
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly readOnly?: boolean;
}

type FieldName = keyof typeof updateBookInput.shape;

/** `updateBookInput` in other words, made once. */
const rules = z.toJSONSchema(updateBookInput, {
  target: "draft-7",
  io: "input",
  override: ({ jsonSchema: schema }) => {
    // {anyOf: [X, null]} would be drawn as a choice between two forms; the type list says the same
    const [inner, empty] = schema.anyOf ?? [];
    if (inner && empty?.type === "null") {
      const { anyOf: _, ...outer } = schema;
      for (const key of Object.keys(schema)) delete schema[key];
      Object.assign(schema, inner, outer, { type: [inner.type, "null"] });
    }
  },
});

const properties = Object.entries(rules.properties ?? {}) as [FieldName, Property][];

/** Draft-07, which react-jsonschema-form's Ajv takes. */
const jsonSchema = {
  ...rules,
  title: "Edit book",
  properties: Object.fromEntries(properties.map(([name, property]) => [name, withoutPattern(property)])),
  // "a field that is there must be there" refuses nothing, and has the inputs of a whole form drawn as required
  dependencies: Object.fromEntries(
    properties.filter(([, property]) => !isNullable(property)).map(([name]) => [name, [name]]),
  ),
};

const uiSchema = Object.fromEntries(properties.map(([name, property]) => [name, fieldUi(name, property)]));

/** The form that edits `book`: all of it from the rules that `updateBook` applies, and the book's values. */
export function bookEditForm(book: Book): BookEditForm {
  const { id: _, version, ...values } = book;
  const formData: Record<FieldName, string | number | null> = { ...values, expectedVersion: version };
  return {
    book,
    mutation: "updateBook",
    fields: properties.map(([name, property]) => formField(name, property, formData[name])),
    jsonSchema,
    uiSchema: { "ui:order": properties.map(([name]) => name), ...uiSchema },
    formData,
  };
}

function formField(name: FieldName, property: Property, value: string | number | null): FormField {
  const hints = formHints.get(unwrapped(updateBookInput.shape[name]));
  return {
    name,
    label: property.title,
    inputType: inputType(property),
    value: value === null ? null : String(value),
    required: !isNullable(property),
    readOnly: property.readOnly ?? false,
    minLength: hints?.minLength ?? null,
    maxLength: hints?.maxLength ?? null,
    min: property.minimum ?? null,
    max: property.maximum ?? null,
    pattern: property.pattern ?? null,
    helpText: property.description ?? null,
    message: hints?.message ?? null,
  };
}

/** How react-jsonschema-form draws a field. It shows the description without being told. */
function fieldUi(name: FieldName, property: Property): object {
  if (property.readOnly) return { "ui:widget": "hidden" };
  const message = formHints.get(unwrapped(updateBookInput.shape[name]))?.message;
  return {
    // its own widget for dates leaves out what was emptied, whatever `ui:emptyValue` says
    ...(property.format === "date" && { "ui:widget": "text", "ui:inputType": "date" }),
    // an emptied input would else be absent, which leaves the field alone: it clears the field, or is refused
    "ui:emptyValue": property.type === "string" ? "" : null,
    ...(message && { "ui:message": message }),
  };
}

/** The same rule in a form that Ajv does not quote: its message for a `pattern` is the regular expression. */
function withoutPattern({ pattern, ...property }: Property): object {
  return pattern === undefined ? property : { ...property, not: { not: { pattern } } };
}

function inputType({ readOnly, format, type }: Property): string {
  if (readOnly) return "hidden";
  if (format === "date") return "date";
  return [type].flat().includes("integer") ? "number" : "text";
}

function isNullable({ type }: Property): boolean {
  return [type].flat().includes("null");
}

function unwrapped(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodNullable
    ? unwrapped(schema.unwrap() as z.ZodType)
    : schema;
}
