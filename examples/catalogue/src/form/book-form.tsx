import Form from "@rjsf/core";
import { ErrorSchemaBuilder, type RJSFValidationError, type UiSchema } from "@rjsf/utils";
import validator from "@rjsf/validator-ajv8";
import { type ReactNode, useMemo } from "react";
import { fieldProblem } from "../api/words.ts";
import type { Values } from "./merge.ts";
import type { Problems } from "./refusals.ts";

interface Props {
  /** As the service has made it. */
  readonly form: { readonly jsonSchema: unknown; readonly uiSchema: unknown };
  readonly values: Values;
  readonly onChange: (values: Values) => void;
  readonly onSubmit: () => void;
  /** What only the service can know is wrong. */
  readonly problems: Problems;
  /** The buttons. */
  readonly children: ReactNode;
}

/** A form of the service, drawn as it says: a field that it gets one day is here without a line of code. */
export function BookForm({ form, values, onChange, onSubmit, problems, children }: Props) {
  const extraErrors = useMemo(() => {
    const builder = new ErrorSchemaBuilder();
    for (const [field, words] of Object.entries(problems)) if (field) builder.addErrors(words, field);
    return builder.ErrorSchema;
  }, [problems]);
  return (
    <Form
      className="book-form"
      schema={form.jsonSchema as object}
      uiSchema={form.uiSchema as UiSchema}
      formData={values}
      validator={validator}
      transformErrors={(errors, uiSchema) => inWords(errors, values, uiSchema)}
      extraErrors={extraErrors}
      showErrorList={false}
      focusOnFirstError
      noHtml5Validate
      onChange={({ formData }) => onChange(formData)}
      onSubmit={onSubmit}
      // what is wrong stands at the fields; without this it stands on the console as well
      onError={() => undefined}
    >
      {problems[""] && (
        <p role="alert" className="note warning">
          {problems[""]}
        </p>
      )}
      {children}
    </Form>
  );
}

/** Puts the service's words in place of Ajv's, once a field. They go on after a label; here they are sentences. */
function inWords(errors: RJSFValidationError[], values: Values, uiSchema?: UiSchema): RJSFValidationError[] {
  const worded = errors.map((error) => {
    const field = error.property?.slice(1) ?? "";
    // a rule of how long a text may be is no help to who has overlooked a field
    if (isBlank(values[field])) return { ...error, message: fieldProblem({ code: "REQUIRED" }) };
    return { ...error, message: `This ${uiSchema?.[field]?.["ui:message"] ?? error.message}.` };
  });
  return worded.filter(({ property }, index) => index === worded.findIndex((other) => other.property === property));
}

function isBlank(value: Values[string]): boolean {
  return value === null || value === undefined || String(value).trim() === "";
}
