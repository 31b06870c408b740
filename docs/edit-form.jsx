// A whole client of the edit form, with react-jsonschema-form 6: open it with ?title= and the title of a book.
import Form from "@rjsf/core";
import validator from "@rjsf/validator-ajv8";
import { useState } from "react";
import { createRoot } from "react-dom/client";

const FORM = `query EditForm($title: String!) {
  bookEditForm(title: $title) { book { title } jsonSchema uiSchema formData }
}`;

const UPDATE = `mutation UpdateBook($title: String!, $input: UpdateBookInput!) {
  updateBook(title: $title, input: $input) {
    __typename
    ... on Book { title version }
    ... on Error { message }
    ... on ValidationError { fieldErrors { field message } }
  }
}`;

async function ask(query, variables) {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors[0].message);
  return data;
}

/** Puts the service's words in place of Ajv's, once a field. */
function transformErrors(errors, uiSchema) {
  const inWords = errors.map((error) => {
    const message = uiSchema?.[error.property?.slice(1)]?.["ui:message"] ?? error.message;
    return { ...error, message, stack: `${error.title} ${message}` };
  });
  return inWords.filter(({ stack }, index) => index === inWords.findIndex((other) => other.stack === stack));
}

/** What only the service can know is wrong, such as a title that is taken, in the form that the fields show. */
function refusal({ fieldErrors = [], message }) {
  const byField = fieldErrors.map(({ field, message }) => [field, { __errors: [message] }]);
  return byField.length > 0 ? Object.fromEntries(byField) : { __errors: [message] };
}

async function load(title) {
  const { bookEditForm } = await ask(FORM, { title });
  if (!bookEditForm) throw new Error(`There is no book with the title “${title}”.`);
  return bookEditForm;
}

function EditForm({ loaded }) {
  const [form, setForm] = useState(loaded);
  const [formData, setFormData] = useState(loaded.formData);
  const [extraErrors, setExtraErrors] = useState({});
  const [status, setStatus] = useState("");

  async function save({ formData: input }) {
    try {
      const { updateBook } = await ask(UPDATE, { title: form.book.title, input });
      if (updateBook.__typename !== "Book") return setExtraErrors(refusal(updateBook));
      const now = await load(updateBook.title);
      setForm(now);
      setFormData(now.formData);
      setExtraErrors({});
      setStatus(`Saved as version ${updateBook.version}.`);
    } catch (error) {
      setStatus(error.message);
    }
  }

  return (
    <>
      <p role="status">{status}</p>
      <Form
        schema={form.jsonSchema}
        uiSchema={form.uiSchema}
        formData={formData}
        validator={validator}
        transformErrors={transformErrors}
        extraErrors={extraErrors}
        onChange={(change) => setFormData(change.formData)}
        onSubmit={save}
      />
    </>
  );
}

const title = new URLSearchParams(location.search).get("title");
createRoot(document.getElementById("root")).render(<EditForm loaded={await load(title)} />);
