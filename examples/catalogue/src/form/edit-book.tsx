import { useEffect, useState } from "react";
import { Link, useNavigate } from "react-router";
import { useMutation } from "urql";
import { useIsDeleted } from "../api/changes.ts";
import { failureInWords } from "../api/words.ts";
import type { EditFormFieldsFragment } from "../generated/graphql.ts";
import { announce } from "../page/announcer.tsx";
import { PageHeading } from "../page/page-heading.tsx";
import { BookForm } from "./book-form.tsx";
import { Conflicts } from "./conflicts.tsx";
import { UpdateBook } from "./documents.ts";
import type { Values } from "./merge.ts";
import { OthersChanges } from "./others-changes.tsx";
import { type Problems, problemsOf } from "./refusals.ts";
import { useEdits } from "./use-edits.ts";
import { useKeyFor } from "./use-key-for.ts";
import { useLeaveWarning } from "./use-leave-warning.ts";

interface Props {
  /** Its book is kept up to date by the cache, its values are those of when it was asked for. */
  readonly form: EditFormFieldsFragment;
  readonly askAnew: () => void;
}

const valuesOf = ({ formData }: EditFormFieldsFragment) => formData as Values;
const versionOf = (form: EditFormFieldsFragment) => Number(valuesOf(form).expectedVersion);

export function EditBook({ form: asked, askAnew }: Props) {
  const { edits, change, rebase, resolve } = useEdits(asked);
  const { form, values, conflicts, takenOver } = edits;
  const [, updateBook] = useMutation(UpdateBook);
  const idempotencyKey = useKeyFor(values);
  const [problems, setProblems] = useState<Problems>({});
  const [isSaving, setSaving] = useState(false);
  const isDeleted = useIsDeleted(asked.book.id);
  const navigate = useNavigate();
  const leave = useLeaveWarning(Object.entries(values).some(([field, value]) => value !== valuesOf(form)[field]));
  const page = `/books/${encodeURIComponent(asked.book.id)}`;

  // a colleague has changed the book: ask for the form as it now is, and go on with that
  const isOutdated = !isSaving && !isDeleted && asked.book.version !== versionOf(asked);
  useEffect(() => {
    if (isOutdated) askAnew();
  }, [isOutdated, askAnew]);
  const isNewer = !isSaving && versionOf(asked) > versionOf(form);
  useEffect(() => {
    if (isNewer) rebase(asked);
  });

  async function save() {
    if (conflicts.length > 0) return document.getElementById("conflicts")?.focus();
    setSaving(true);
    const { data, error } = await updateBook({ id: form.book.id, input: values, idempotencyKey });
    const result = data?.updateBook;
    if (result?.__typename === "Book") {
      announce("Saved");
      leave.allow();
      return navigate(page, { replace: true });
    }
    setSaving(false);
    if (result?.__typename === "VersionConflictError") rebase(result.editForm);
    else if (result) setProblems(problemsOf(result));
    else if (error) setProblems({ "": failureInWords(error) });
  }

  function enter(values: Values) {
    setProblems({});
    change(values);
  }

  return (
    <div className="plain">
      <PageHeading title={`Edit “${form.book.title}”`} />
      <OthersChanges fields={takenOver} values={valuesOf(form)} isDeleted={isDeleted} />
      <Conflicts conflicts={conflicts} onChoose={resolve} />
      <BookForm form={form} values={values} onChange={enter} onSubmit={save} problems={problems}>
        <div className="actions">
          <button type="submit" className="main" disabled={isSaving}>
            {isSaving ? "Saving…" : "Save"}
          </button>
          <Link className="button" to={page} replace>
            Cancel
          </Link>
        </div>
      </BookForm>
    </div>
  );
}
