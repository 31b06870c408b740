import { useState } from "react";
import { useNavigate } from "react-router";
import { useMutation, useQuery } from "urql";
import { failureInWords } from "../api/words.ts";
import type { AddBookInput } from "../gql/graphql.ts";
import { announce } from "../page/announcer.tsx";
import { Failure } from "../page/failure.tsx";
import { PageHeading } from "../page/page-heading.tsx";
import { BookForm } from "./book-form.tsx";
import { AddBook, AddForm } from "./documents.ts";
import type { Values } from "./merge.ts";
import { type Problems, problemsOf } from "./refusals.ts";
import { useLeaveWarning } from "./use-leave-warning.ts";

export function AddPage() {
  const [{ data, error }, retry] = useQuery({ query: AddForm });
  const [, addBook] = useMutation(AddBook);
  const [values, setValues] = useState<Values>();
  const [problems, setProblems] = useState<Problems>({});
  const [isSaving, setSaving] = useState(false);
  const navigate = useNavigate();
  const leave = useLeaveWarning(values !== undefined);

  if (error) return <Failure error={error} onRetry={() => retry({ requestPolicy: "network-only" })} />;
  if (!data) return <p className="loading" />;
  const shown = values ?? (data.bookAddForm.formData as Values);

  async function save() {
    setSaving(true);
    const answer = await addBook({ input: shown as unknown as AddBookInput, idempotencyKey: crypto.randomUUID() });
    setSaving(false);
    const result = answer.data?.addBook;
    if (answer.error) return setProblems({ "": failureInWords(answer.error) });
    if (result?.__typename !== "Book") return setProblems(result ? problemsOf(result) : {});
    announce(`“${result.title}” is in the catalogue`);
    leave.allow();
    navigate(`/books/${encodeURIComponent(result.id)}`, { replace: true });
  }

  return (
    <div className="plain">
      <PageHeading title="Add a book" />
      <BookForm form={data.bookAddForm} values={shown} onChange={setValues} onSubmit={save} problems={problems}>
        <button type="submit" className="main" disabled={isSaving}>
          {isSaving ? "Adding…" : "Add the book"}
        </button>
      </BookForm>
    </div>
  );
}
