import { graphql } from "./generated/gql.ts";

export const BOOK = graphql(`
  query Book($title: String!) {
    book(title: $title) { id title stockQuantity version publishedDate addedAt }
  }
`);

export const PAGE = graphql(`
  query Page($search: String, $filter: BookFilter, $orderBy: BookOrder, $after: String) {
    booksConnection(first: 2, after: $after, search: $search, filter: $filter, orderBy: $orderBy) {
      totalCount
      nodes { id title }
      pageInfo { endCursor hasNextPage }
    }
  }
`);

export const ADD_BOOK = graphql(`
  mutation AddBook($input: AddBookInput!, $idempotencyKey: String!) {
    addBook(input: $input, idempotencyKey: $idempotencyKey) {
      __typename
      ... on Book { id title version }
      ... on Error { message code }
      ... on ValidationError { fieldErrors { field message code limit } }
      ... on TitleTakenError { title book { id } }
      ... on IsbnTakenError { isbn book { id title } }
    }
  }
`);

export const UPDATE_BOOK = graphql(`
  mutation UpdateBook($id: ID!, $input: UpdateBookInput!, $idempotencyKey: String!) {
    updateBook(id: $id, input: $input, idempotencyKey: $idempotencyKey) {
      __typename
      ... on Book { id title version }
      ... on Error { message code }
      ... on ValidationError { fieldErrors { field message code limit } }
      ... on VersionConflictError { actualVersion book { id title } editForm { formData } }
      ... on TitleTakenError { title book { id } }
      ... on IsbnTakenError { isbn book { id title } }
    }
  }
`);

export const ADJUST_STOCK = graphql(`
  mutation AdjustStock($id: ID!, $by: Int!, $idempotencyKey: String!) {
    adjustStock(id: $id, by: $by, idempotencyKey: $idempotencyKey) {
      __typename
      ... on Book { id title stockQuantity version }
      ... on Error { message code }
      ... on ValidationError { fieldErrors { field message code limit } }
      ... on InsufficientStockError { available }
    }
  }
`);

export const DELETE_BOOK = graphql(`
  mutation DeleteBook($id: ID!, $expectedVersion: Revision, $idempotencyKey: String!) {
    deleteBook(id: $id, expectedVersion: $expectedVersion, idempotencyKey: $idempotencyKey) {
      __typename
      ... on Book { id title }
      ... on Error { message code }
      ... on VersionConflictError { actualVersion book { id title } }
    }
  }
`);

export const CHANGES = graphql(`
  query Changes($after: Revision!) {
    changes(after: $after) { revision kind before { title } after { title } at }
  }
`);
