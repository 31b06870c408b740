import { memo } from "react";
import { Link } from "react-router";
import { useIsDeleted } from "../api/changes.ts";
import { Cover } from "../book/cover.tsx";
import { StockButtons } from "../book/stock-buttons.tsx";
import type { BookFieldsFragment } from "../generated/graphql.ts";
import { languageName } from "./language-name.ts";
import { noteOpened } from "./last-opened.ts";

/** One book of the list. A list may have thousands, so it is drawn again only when this book has changed. */
export const BookRow = memo(function BookRow({ book }: { book: BookFieldsFragment }) {
  const isDeleted = useIsDeleted(book.id);
  const { id, title, author, publishedDate, language } = book;
  return (
    <li className="book" data-deleted={isDeleted}>
      <Cover book={book} />
      <div className="what">
        <Link
          lang={language ?? undefined}
          id={`book-${id}`}
          to={`/books/${encodeURIComponent(id)}`}
          onClick={() => noteOpened(id)}
        >
          {title}
        </Link>
        <p>{author}</p>
        <p className="meta">
          {[publishedDate?.slice(0, 4), language && languageName(language)].filter(Boolean).join(" · ")}
        </p>
      </div>
      {isDeleted ? <p className="meta">Deleted just now</p> : <StockButtons book={book} />}
    </li>
  );
});
