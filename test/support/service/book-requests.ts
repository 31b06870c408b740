const BOOK_FIELDS =
  "fragment BookFields on Book { id title author publishedDate isbn language description coverUrl stockQuantity version addedAt updatedAt }";

const REFUSAL_FIELDS = `
  ... on Error { message }
  ... on ValidationError { message fieldErrors { field message } }
  ... on TitleTakenError { message taken: title book { ...BookFields } }
  ... on IsbnTakenError { message isbn book { ...BookFields } }`;

const REUSED = "... on IdempotencyKeyReusedError { message idempotencyKey }";

export const ADD_BOOK = `${BOOK_FIELDS}
mutation AddBook($input: AddBookInput!, $idempotencyKey: String) {
  addBook(input: $input, idempotencyKey: $idempotencyKey) { __typename ...BookFields ${REFUSAL_FIELDS} ${REUSED} }
}`;

const FOUND_REFUSAL_FIELDS = `
  ... on BookNotFoundError { message notFound: title }
  ... on VersionConflictError { message expectedVersion actualVersion book { ...BookFields } }`;

export const UPDATE_BOOK = `${BOOK_FIELDS}
mutation UpdateBook($title: String!, $input: UpdateBookInput!, $idempotencyKey: String) {
  updateBook(title: $title, input: $input, idempotencyKey: $idempotencyKey) {
    __typename ...BookFields ${REFUSAL_FIELDS} ${FOUND_REFUSAL_FIELDS} ${REUSED}
  }
}`;

export const ADJUST_STOCK = `${BOOK_FIELDS}
mutation AdjustStock($title: String!, $by: Int!, $idempotencyKey: String) {
  adjustStock(title: $title, by: $by, idempotencyKey: $idempotencyKey) {
    __typename ...BookFields ... on Error { message } ${REUSED}
    ... on ValidationError { fieldErrors { field message } }
    ... on BookNotFoundError { notFound: title }
    ... on InsufficientStockError { message available }
  }
}`;

export const DELETE_BOOK = `${BOOK_FIELDS}
mutation DeleteBook($title: String!, $expectedVersion: Revision, $idempotencyKey: String) {
  deleteBook(title: $title, expectedVersion: $expectedVersion, idempotencyKey: $idempotencyKey) {
    __typename ...BookFields ... on Error { message } ${FOUND_REFUSAL_FIELDS} ${REUSED}
  }
}`;

export const BOOK = `${BOOK_FIELDS} query Book($title: String!) { book(title: $title) { ...BookFields } }`;
