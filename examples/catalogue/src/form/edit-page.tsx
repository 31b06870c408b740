import { useCallback } from "react";
import { useParams } from "react-router";
import { useQuery } from "urql";
import { Failure } from "../page/failure.tsx";
import { NotFound } from "../page/not-found.tsx";
import { EditForm } from "./documents.ts";
import { EditBook } from "./edit-book.tsx";

export function EditPage() {
  const { id = "" } = useParams();
  const [{ data, error, fetching }, ask] = useQuery({
    query: EditForm,
    variables: { id },
    requestPolicy: "network-only",
  });
  const askAnew = useCallback(() => ask({ requestPolicy: "network-only" }), [ask]);
  if (error && !data) return <Failure error={error} onRetry={askAnew} />;
  if (data?.bookEditForm) return <EditBook key={id} form={data.bookEditForm} askAnew={askAnew} />;
  return fetching ? <p className="loading" /> : <NotFound what="This book is not in the catalogue" />;
}
