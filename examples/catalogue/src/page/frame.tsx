import { Link, Outlet, ScrollRestoration, useLocation } from "react-router";
import { Announcer } from "./announcer.tsx";
import { ConnectionNote } from "./connection-note.tsx";
import { rememberArrival } from "./page-heading.tsx";

/** What is around every page. */
export function Frame() {
  rememberArrival(useLocation().key);
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="top">
        <Link to="/" className="brand">
          <span aria-hidden="true">❧</span> Catalogue
        </Link>
        <Link to="/books/new" className="button">
          Add a book
        </Link>
      </header>
      <ConnectionNote />
      <main id="main" tabIndex={-1}>
        <Outlet />
      </main>
      <Announcer />
      <ScrollRestoration />
    </>
  );
}
