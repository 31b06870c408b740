import { useRef, useState } from "react";
import { useNavigate } from "react-router";
import { useMutation } from "urql";
import { failureInWords } from "../api/words.ts";
import type { BookFieldsFragment } from "../generated/graphql.ts";
import { announce } from "../page/announcer.tsx";
import { DeleteBook } from "./documents.ts";

/** Asks before it deletes, and deletes only what the reader has seen: a change that came meanwhile is looked at first. */
export function DeleteButton({ book }: { book: BookFieldsFragment }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [seen, setSeen] = useState(book.version);
  const [refusal, setRefusal] = useState("");
  const [{ fetching }, deleteBook] = useMutation(DeleteBook);
  const navigate = useNavigate();

  function open() {
    setSeen(book.version);
    setRefusal("");
    dialog.current?.showModal();
  }

  async function confirm() {
    const { data, error } = await deleteBook({
      id: book.id,
      expectedVersion: seen,
      idempotencyKey: crypto.randomUUID(),
    });
    const result = data?.deleteBook;
    if (error) return setRefusal(failureInWords(error));
    if (result?.__typename === "VersionConflictError") {
      setSeen(result.book.version);
      return setRefusal("Somebody has just changed this book. Please look at it again before you delete it.");
    }
    announce(result?.__typename === "Book" ? `“${book.title}” is deleted` : "Somebody else has deleted it already");
    navigate("/");
  }

  return (
    <>
      <button type="button" onClick={open}>
        Delete
      </button>
      <dialog ref={dialog} aria-labelledby="delete-title">
        <h2 id="delete-title">Delete “{book.title}”?</h2>
        <p>It goes from the catalogue for everybody.</p>
        {refusal && (
          <p role="alert" className="note warning">
            {refusal}
          </p>
        )}
        <div className="actions">
          <button type="button" className="danger" disabled={fetching} onClick={confirm}>
            Delete it
          </button>
          <button type="button" onClick={() => dialog.current?.close()}>
            Keep it
          </button>
        </div>
      </dialog>
    </>
  );
}
