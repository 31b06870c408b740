import { Link, useParams } from "react-router";
import { useQuery } from "urql";
import { useIsDeleted } from "../api/changes.ts";
import { languageName } from "../catalogue/language-name.ts";
import type { BookFieldsFragment } from "../generated/graphql.ts";
import { Failure } from "../page/failure.tsx";
import { NotFound } from "../page/not-found.tsx";
import { PageHeading } from "../page/page-heading.tsx";
import { Cover } from "./cover.tsx";
import { DeleteButton } from "./delete-button.tsx";
import { BookById } from "./documents.ts";
import { History } from "./history.tsx";
import { StockButtons } from "./stock-buttons.tsx";
import { day, time } from "./times.ts";

export function BookPage() {
  const { id = "" } = useParams();
  const [{ data, error, fetching }, retry] = useQuery({
    query: BookById,
    variables: { id },
    requestPolicy: "cache-and-network",
  });
  if (error && !data) return <Failure error={error} onRetry={() => retry({ requestPolicy: "network-only" })} />;
  if (data?.book) return <Book key={id} book={data.book} />;
  return fetching ? <p className="loading" /> : <NotFound what="This book is not in the catalogue" />;
}

function Book({ book }: { book: BookFieldsFragment }) {
  const isDeleted = useIsDeleted(book.id);
  const details = [
    ["Published", book.publishedDate && day(book.publishedDate)],
    ["ISBN", book.isbn],
    ["Language", book.language && languageName(book.language)],
    ["In the catalogue since", time(book.addedAt)],
    ["Last changed", time(book.updatedAt)],
  ].filter(([, value]) => value);
  return (
    <article className="whole-book">
      <Cover book={book} />
      <div>
        <PageHeading title={book.title} lang={book.language} />
        <p className="author">{book.author}</p>
        <div role="status" aria-label="Deleted">
          {isDeleted && <p className="note warning">This book was deleted just now. This is what it was.</p>}
        </div>
        {!isDeleted && (
          <div className="actions">
            <StockButtons book={book} />
            <Link className="button" to="edit">
              Edit
            </Link>
            <DeleteButton book={book} />
          </div>
        )}
        {book.description && <p className="description">{book.description}</p>}
        <dl>
          {details.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        {!isDeleted && <History book={book} />}
      </div>
    </article>
  );
}
