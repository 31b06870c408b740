const BOOK_FIELDS = "fragment BookFields on Book { id title author publishedDate isbn stockQuantity version }";

const REFUSAL_FIELDS = `
  ... on Error { message }
  ... on ValidationError { message fieldErrors { field message } }
  ... on TitleTakenError { message taken: title }
  ... on IsbnTakenError { message taken: isbn }`;

export const ADD_BOOK = `${BOOK_FIELDS}
mutation AddBook($input: AddBookInput!) {
  addBook(input: $input) { __typename ...BookFields ${REFUSAL_FIELDS} }
}`;

const FOUND_REFUSAL_FIELDS = `
  ... on BookNotFoundError { message notFound: title }
  ... on VersionConflictError { message expectedVersion actualVersion book { ...BookFields } }`;

export const UPDATE_BOOK = `${BOOK_FIELDS}
mutation UpdateBook($title: String!, $input: UpdateBookInput!) {
  updateBook(title: $title, input: $input) { __typename ...BookFields ${REFUSAL_FIELDS} ${FOUND_REFUSAL_FIELDS} }
}`;

export const DELETE_BOOK = `${BOOK_FIELDS}
mutation DeleteBook($title: String!, $expectedVersion: Int) {
  deleteBook(title: $title, expectedVersion: $expectedVersion) {
    __typename ...BookFields ... on Error { message } ${FOUND_REFUSAL_FIELDS}
  }
}`;

export const BOOK = `${BOOK_FIELDS} query Book($title: String!) { book(title: $title) { ...BookFields } }`;
