import type { GraphiqlTab } from "../http/graphiql.ts";

const variables = (value: object) => JSON.stringify(value, null, 2);

/** The requests that GraphiQL offers to somebody who is new. */
export const bookTabs: readonly GraphiqlTab[] = [
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
  {
    query: `# The whole catalogue. extensions.consistency says
# how new the answer is and what served it.
query ListBooks {
  books {
    title
    author
    publishedDate
    isbn
    isbn10
    language
    description
    coverUrl
    stockQuantity
    version
    addedAt
    updatedAt
  }
}
`,
  },
  {
    query: `# Search as you type: of the last word a beginning is enough.
query Search($search: String!) {
  booksConnection(search: $search, first: 10) {
    nodes {
      title
      author
    }
    totalCount
    totalCountIsExact
  }
}
`,
    variables: variables({ search: "author boo" }),
  },
  {
    query: `# A page of a catalogue: which books, in which order, how many
# there are, and what they have. "after" takes an endCursor.
query CataloguePage($filter: BookFilter, $after: String) {
  booksConnection(
    first: 20
    after: $after
    filter: $filter
    orderBy: { field: PUBLISHED_DATE, direction: DESC }
  ) {
    nodes {
      title
      author
      publishedDate
      stockQuantity
    }
    pageInfo {
      hasNextPage
      endCursor
    }
    totalCount
    totalCountIsExact
    facets {
      authors(first: 5) {
        value
        count
      }
      languages {
        value
        count
      }
      inStock {
        value
        count
      }
    }
  }
}
`,
    variables: variables({ filter: { titleStartsWith: "a", inStock: true } }),
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
  {
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
  {
    query: `# What became of the book, and what it was at first.
query BookHistory($title: String!, $asOf: Revision!) {
  book(title: $title) {
    history(first: 10) {
      nodes {
        revision
        kind
        at
        who
        before {
          title
          author
          stockQuantity
        }
        after {
          title
          author
          stockQuantity
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
  atFirst: book(title: $title, asOf: $asOf) {
    title
    author
    version
  }
}
`,
    variables: variables({ title: "A New Book", asOf: 1 }),
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
  {
    query: `# Tells of every change as it is made. Change a book in
# another tab meanwhile; a CHECKPOINT says that nothing happened.
subscription WatchBooks {
  bookChanges {
    revision
    kind
    at
    before {
      title
    }
    after {
      title
      author
      stockQuantity
    }
  }
}
`,
  },
];
