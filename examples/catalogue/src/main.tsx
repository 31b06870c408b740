import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createBrowserRouter } from "react-router";
import { RouterProvider } from "react-router/dom";
import { Provider } from "urql";
import { client } from "./api/client.ts";
import { BookPage } from "./book/book-page.tsx";
import { CataloguePage } from "./catalogue/catalogue-page.tsx";
import { Fault } from "./page/fault.tsx";
import { Frame } from "./page/frame.tsx";
import { NotFound } from "./page/not-found.tsx";
import "./style/base.css";
import "./style/catalogue.css";
import "./style/book.css";
import "./style/form.css";

const router = createBrowserRouter([
  {
    element: <Frame />,
    errorElement: <Fault />,
    hydrateFallbackElement: <p className="loading" />,
    children: [
      { index: true, element: <CataloguePage /> },
      { path: "books/:id", element: <BookPage /> },
      // the form and what checks it are half of the page's code, and most who come only look
      { path: "books/new", lazy: async () => ({ Component: (await import("./form/add-page.tsx")).AddPage }) },
      { path: "books/:id/edit", lazy: async () => ({ Component: (await import("./form/edit-page.tsx")).EditPage }) },
      { path: "*", element: <NotFound /> },
    ],
  },
]);

createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <Provider value={client}>
      <RouterProvider router={router} />
    </Provider>
  </StrictMode>,
);
