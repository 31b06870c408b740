import type { GraphiqlTab } from "../../http/graphiql.ts";

const variables = (value: object) => JSON.stringify(value, null, 2);

/** The requests for queries that GraphiQL offers to somebody who is new. */
export const queryTabs = {
  listBooks: {
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
  search: {
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
  cataloguePage: {
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
  editForm: {
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
  bookHistory: {
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
  watchBooks: {
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
} satisfies Record<string, GraphiqlTab>;
