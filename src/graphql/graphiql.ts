import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

const variables = (value: object) => JSON.stringify(value, null, 2);

const tabs = [
  {
    // GraphiQL leaves the variables of the tab that it opens first empty
    query: `# Adds a book. Run it twice to see a refusal.
mutation AddBook {
  addBook(
    input: {
      title: "A New Book"
      author: "Author Name"
      publishedDate: "2024-01-01"
      isbn: "1234567890"
      stockQuantity: 10
    }
  ) {
    __typename
    ... on Book {
      id
      title
      version
    }
    ... on Error {
      message
    }
    ... on ValidationError {
      fieldErrors {
        field
        message
      }
    }
  }
}
`,
  },
  {
    query: `# The whole catalogue. extensions.consistency says
# how new the answer is and what served it.
query ListBooks {
  books {
    title
    author
    publishedDate
    isbn
    stockQuantity
    version
  }
}
`,
  },
  {
    query: `# Everything that a form needs to edit the book.
query EditForm($title: String!) {
  bookEditForm(title: $title) {
    mutation
    fields {
      name
      label
      inputType
      value
      required
      readOnly
      minLength
      maxLength
      min
      max
      pattern
      helpText
      message
    }
    jsonSchema
    uiSchema
    formData
  }
}
`,
    variables: variables({ title: "A New Book" }),
  },
  {
    query: `# Changes the fields that are given.
# A title in the input renames the book.
mutation UpdateBook($title: String!, $input: UpdateBookInput!) {
  updateBook(title: $title, input: $input) {
    __typename
    ... on Book {
      title
      author
      version
    }
    ... on Error {
      message
    }
    ... on VersionConflictError {
      actualVersion
      book {
        author
      }
    }
  }
}
`,
    variables: variables({ title: "A New Book", input: { author: "Another Author", expectedVersion: 1 } }),
  },
  {
    query: `# Deletes the book and answers it as it last was.
mutation DeleteBook($title: String!) {
  deleteBook(title: $title) {
    __typename
    ... on Book {
      title
      version
    }
    ... on Error {
      message
    }
  }
}
`,
    variables: variables({ title: "A New Book" }),
  },
];

/**
 * GraphiQL gives its tabs offsets that its own style hides until a tab is pressed: the tab then jumps away from under
 * the pointer, and the first click on it is lost.
 */
const style = "<style>.graphiql-tabs > .graphiql-tab { transform: none !important; }</style>";

/** Rendered and compressed at the first visit: it is nine megabytes, and the same for everyone. */
let page: Promise<{ body: Buffer; etag: string }> | undefined;

async function render() {
  // loaded for those who visit: it is a large part of the process's memory and start-up time
  const { renderGraphiQL } = await import("@graphql-yoga/render-graphiql");
  const html = renderGraphiQL({
    title: "Books catalogue",
    endpoint: "/graphql",
    defaultTabs: tabs,
    defaultEditorToolsVisibility: "variables",
  });
  const body = await promisify(gzip)(html.replace("</head>", `${style}</head>`));
  return { body, etag: `"${createHash("sha1").update(body).digest("base64url")}"` };
}

/** Whether a person's browser asks. GraphiQL keeps what is being edited as `?query=` in the URL, for reloads and links. */
export function wantsGraphiql(request: IncomingMessage): boolean {
  return (request.headers.accept ?? "").includes("text/html");
}

/** Serves GraphiQL from this process alone: it asks no other host for anything. */
export async function serveGraphiql(request: IncomingMessage, response: ServerResponse): Promise<void> {
  page ??= render();
  const { body, etag } = await page;
  const headers = { "cache-control": "no-cache", etag, vary: "accept" };
  if (request.headers["if-none-match"] === etag) {
    response.writeHead(304, headers).end();
    return;
  }
  response
    .writeHead(200, {
      ...headers,
      "content-type": "text/html; charset=utf-8",
      "content-encoding": "gzip",
      "content-length": body.length,
    })
    .end(body);
}
