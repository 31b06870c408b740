import { z } from "zod";
import type { Builder } from "./builder.ts";
import { formHints } from "./field-rules.ts";

/** One field of a form, as an HTML form needs it. */
export interface FormField {
  readonly name: string;
  readonly label: string;
  /** The type of an HTML input, or `textarea`. */
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

/** A form as a list of fields, and as react-jsonschema-form takes it. */
export interface Form {
  /** The mutation that takes it. */
  readonly mutation: string;
  readonly fields: readonly FormField[];
  readonly jsonSchema: object;
  readonly uiSchema: object;
  readonly formData: object;
}

/** The values of a form's fields. */
export type FormData<Rules extends z.ZodObject> = Readonly<Record<FieldName<Rules>, string | number | null>>;

type FieldName<Rules extends z.ZodObject> = keyof Rules["shape"] & string;

type FormFieldRef = ReturnType<typeof defineFormField>;
type SchemaTypes = Builder extends PothosSchemaTypes.SchemaBuilder<infer Types> ? Types : never;

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

/** What makes the forms for one mutation, once: all of it but the values follows from the `rules` that its input must keep. */
export function formFor<Rules extends z.ZodObject>(
  title: string,
  mutation: string,
  rules: Rules,
): (formData: FormData<Rules>) => Form {
  const schema = z.toJSONSchema(rules, {
    target: "draft-7",
    io: "input",
    override: ({ jsonSchema }) => withoutChoice(jsonSchema),
  });
  const properties = Object.entries(schema.properties ?? {}) as [FieldName<Rules>, Property][];
  const hintsOf = (name: FieldName<Rules>) => formHints.get(unwrapped(rules.shape[name] as z.ZodType));
  /** Draft-07, which react-jsonschema-form's Ajv takes. */
  const jsonSchema = {
    ...schema,
    title,
    properties: Object.fromEntries(properties.map(([name, property]) => [name, withoutPattern(property)])),
    // "a field that is there must be there" refuses nothing, and has the inputs of a whole form drawn as required
    dependencies: Object.fromEntries(
      properties.filter(([, property]) => !isNullable(property)).map(([name]) => [name, [name]]),
    ),
  };
  const uiSchema = {
    "ui:order": properties.map(([name]) => name),
    ...Object.fromEntries(properties.map(([name, property]) => [name, fieldUi(property, hintsOf(name))])),
  };
  return (formData) => ({
    mutation,
    fields: properties.map(([name, property]) => formField(name, property, hintsOf(name), formData[name])),
    jsonSchema,
    uiSchema,
    formData,
  });
}

/** Defines the GraphQL type of a form's fields. */
export function defineFormField(builder: Builder) {
  return builder.objectRef<FormField>("FormField").implement({
    description: "One field of a form, as an HTML form needs it.",
    fields: (t) => ({
      name: t.exposeString("name", { description: "The field's name in the input of the mutation." }),
      label: t.exposeString("label", { description: "The field's name for people." }),
      inputType: t.exposeString("inputType", { description: "The type of an HTML input, or `textarea`." }),
      value: t.exposeString("value", { nullable: true, description: "The current value; null when there is none." }),
      required: t.exposeBoolean("required", { description: "Whether the field must have a value." }),
      readOnly: t.exposeBoolean("readOnly", { description: "Whether the value is to be sent back as it is." }),
      minLength: t.exposeInt("minLength", { nullable: true, description: "The shortest text, in code points." }),
      maxLength: t.exposeInt("maxLength", {
        nullable: true,
        description: "The longest text, in code points (an HTML maxlength counts UTF-16 units; `pattern` does not).",
      }),
      min: t.exposeInt("min", { nullable: true, description: "The smallest number." }),
      max: t.exposeInt("max", { nullable: true, description: "The largest number." }),
      pattern: t.exposeString("pattern", {
        nullable: true,
        description: "A regular expression that the whole text must match, as HTML and JSON Schema take it.",
      }),
      helpText: t.exposeString("helpText", { nullable: true, description: "A hint for people." }),
      message: t.exposeString("message", {
        nullable: true,
        description: "What to say to people, after the label, when the value is refused.",
      }),
    }),
  });
}

/** The fields of a form in GraphQL. `listSize` is how many `fields` it has. */
export function formParts<T extends Form>(
  t: PothosSchemaTypes.ObjectFieldBuilder<SchemaTypes, T>,
  formField: FormFieldRef,
  listSize: number,
) {
  return {
    mutation: t.string({
      description: "The mutation that takes the form as its input.",
      resolve: ({ mutation }) => mutation,
    }),
    fields: t.field({
      type: [formField],
      description: "The fields in their order.",
      extensions: { listSize },
      resolve: ({ fields }) => fields,
    }),
    jsonSchema: t.field({
      type: "JSON",
      description: "JSON Schema (draft-07) that accepts what the mutation accepts.",
      resolve: ({ jsonSchema }) => jsonSchema,
    }),
    uiSchema: t.field({
      type: "JSON",
      description: "How react-jsonschema-form draws the fields; `ui:message` is a field's message.",
      resolve: ({ uiSchema }) => uiSchema,
    }),
    formData: t.field({
      type: "JSON",
      description: "The current values, an input for the mutation.",
      resolve: ({ formData }) => formData,
    }),
  };
}

/** {anyOf: [X, null]} would be drawn as a choice between two forms; the type list says the same. */
function withoutChoice(schema: z.core.JSONSchema.BaseSchema): void {
  const [inner, empty] = schema.anyOf ?? [];
  if (!inner || empty?.type !== "null") return;
  const { anyOf: _, ...outer } = schema;
  for (const key of Object.keys(schema)) delete schema[key];
  Object.assign(schema, inner, outer, { type: [inner.type, "null"] });
}

function formField(
  name: string,
  property: Property,
  hints: ReturnType<typeof formHints.get>,
  value: string | number | null,
): FormField {
  return {
    name,
    label: property.title,
    inputType: inputType(property, hints),
    value: value === null ? null : String(value),
    required: !isNullable(property),
    readOnly: property.readOnly ?? false,
    minLength: hints?.minLength ?? null,
    maxLength: hints?.maxLength ?? null,
    // what is sent back as it is has no bounds for people
    min: (property.readOnly ? null : property.minimum) ?? null,
    max: (property.readOnly ? null : property.maximum) ?? null,
    pattern: property.pattern ?? null,
    helpText: property.description ?? null,
    message: hints?.message ?? null,
  };
}

/** How react-jsonschema-form draws a field. It shows the description without being told. */
function fieldUi(property: Property, hints: ReturnType<typeof formHints.get>): object {
  if (property.readOnly) return { "ui:widget": "hidden" };
  return {
    // its own widget for dates leaves out what was emptied, whatever `ui:emptyValue` says
    ...(property.format === "date" && { "ui:widget": "text", "ui:inputType": "date" }),
    ...(hints?.inputType === "textarea" && { "ui:widget": "textarea" }),
    ...(hints?.inputType === "url" && { "ui:inputType": "url" }),
    // an emptied input would else be absent, which leaves the field alone: it clears the field, or is refused
    "ui:emptyValue": property.type === "string" ? "" : null,
    ...(hints && { "ui:message": hints.message }),
  };
}

/** The same rule in a form that Ajv does not quote: its message for a `pattern` is the regular expression. */
function withoutPattern({ pattern, ...property }: Property): object {
  return pattern === undefined ? property : { ...property, not: { not: { pattern } } };
}

function inputType({ readOnly, format, type }: Property, hints: ReturnType<typeof formHints.get>): string {
  if (readOnly) return "hidden";
  if (hints?.inputType) return hints.inputType;
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
