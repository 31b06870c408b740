import { useState } from "react";
import { useNavigate } from "react-router";
import { useMutation, useQuery } from "urql";
import { failureInWords } from "../api/words.ts";
import type { AddBookInput } from "../generated/graphql.ts";
import { announce } from "../page/announcer.tsx";
import { Failure } from "../page/failure.tsx";
import { PageHeading } from "../page/page-heading.tsx";
import { BookForm } from "./book-form.tsx";
import { AddBook, AddForm } from "./documents.ts";
import type { Values } from "./merge.ts";
import { type Problems, problemsOf } from "./refusals.ts";
import { useKeyFor } from "./use-key-for.ts";
import { useLeaveWarning } from "./use-leave-warning.ts";

export function AddPage() {
  const [{ data, error }, retry] = useQuery({ query: AddForm });
  const [, addBook] = useMutation(AddBook);
  const [values, setValues] = useState<Values>();
  const idempotencyKey = useKeyFor(values);
  const [problems, setProblems] = useState<Problems>({});
  const [isSaving, setSaving] = useState(false);
  const navigate = useNavigate();
  const leave = useLeaveWarning(values !== undefined);

  if (error) return <Failure error={error} onRetry={() => retry({ requestPolicy: "network-only" })} />;
  if (!data) return <p className="loading" />;
  const shown = values ?? (data.bookAddForm.formData as Values);

  async function save() {
    setSaving(true);
    const answer = await addBook({ input: shown as AddBookInput, idempotencyKey });
    const result = answer.data?.addBook;
    if (result?.__typename === "Book") {
      announce(`“${result.title}” is in the catalogue`);
      leave.allow();
      return navigate(`/books/${encodeURIComponent(result.id)}`, { replace: true });
    }
    setSaving(false);
    if (result) setProblems(problemsOf(result));
    else if (answer.error) setProblems({ "": failureInWords(answer.error) });
  }

  function enter(values: Values) {
    setProblems({});
    setValues(values);
  }

  return (
    <div className="plain">
      <PageHeading title="Add a book" />
      <BookForm form={data.bookAddForm} values={shown} onChange={enter} onSubmit={save} problems={problems}>
        <button type="submit" className="main" disabled={isSaving}>
          {isSaving ? "Adding…" : "Add the book"}
        </button>
      </BookForm>
    </div>
  );
}
