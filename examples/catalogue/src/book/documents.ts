import { graphql } from "../generated/gql.ts";

export const BookById = graphql(`
  query BookById($id: ID!) {
    book(id: $id) {
      ...BookFields
    }
  }
`);

/** Past states go without the book's id: in the cache they would take the place of what it is now. */
export const BookHistory = graphql(`
  query BookHistory($id: ID!, $first: Int!) {
    book(id: $id) {
      id
      history(first: $first) {
        nodes {
          revision
          kind
          at
          who
          before {
            ...PastBook
          }
          after {
            ...PastBook
          }
        }
        pageInfo {
          hasNextPage
        }
      }
    }
  }
  fragment PastBook on Book {
    title
    author
    publishedDate
    isbn
    language
    description
    coverUrl
    stockQuantity
  }
`);

export const DeleteBook = graphql(`
  mutation DeleteBook($id: ID!, $expectedVersion: Revision!, $idempotencyKey: String!) {
    deleteBook(id: $id, expectedVersion: $expectedVersion, idempotencyKey: $idempotencyKey) {
      __typename
      ... on Book {
        title
      }
      ... on Error {
        message
      }
      ... on VersionConflictError {
        book {
          ...BookFields
        }
      }
    }
  }
`);
