import type { GraphiqlTab } from "../../http/graphiql.ts";

const variables = (value: object) => JSON.stringify(value, null, 2);

/** The requests for commands that GraphiQL offers to somebody who is new. */
export const commandTabs = {
  addBook: {
    // GraphiQL leaves the variables of the tab that it opens first empty
    query: `# Adds a book. Run it twice to see a refusal.
mutation AddBook {
  addBook(
    input: {
      title: "A New Book"
      author: "Author Name"
      publishedDate: "2024-01-01"
      isbn: "1234567890"
      language: "en-GB"
      description: "What it is about."
      coverUrl: "https://example.org/cover.jpg"
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
      code
      message
    }
    ... on ValidationError {
      fieldErrors {
        field
        code
        message
        limit
      }
    }
    ... on TitleTakenError {
      book {
        id
        author
      }
    }
  }
}
`,
  },
  updateBook: {
    query: `# Changes the fields that are given.
# A title in the input renames the book.
# An id may stand in place of the title.
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
  adjustStock: {
    query: `# Sells three. Run it twice: with the same key it is done once.
mutation AdjustStock($title: String!, $by: Int!, $idempotencyKey: String) {
  adjustStock(title: $title, by: $by, idempotencyKey: $idempotencyKey) {
    __typename
    ... on Book {
      title
      stockQuantity
    }
    ... on Error {
      message
    }
    ... on InsufficientStockError {
      available
    }
  }
}
`,
    variables: variables({ title: "A New Book", by: -3, idempotencyKey: "till 5, sale 8" }),
  },
  deleteBook: {
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
} satisfies Record<string, GraphiqlTab>;
