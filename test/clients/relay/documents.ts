import { graphql } from "relay-runtime";

/* What the compiler reads. Tests take what it makes of it. */

graphql`
  query documentsBookQuery($title: String!) {
    book(title: $title) {
      id
      title
      stockQuantity
      version
    }
  }
`;

graphql`
  query documentsPageQuery($prefix: String!, $first: Int!, $after: String) {
    booksConnection(first: $first, after: $after, filter: { titleStartsWith: $prefix })
      @connection(key: "documentsPage_booksConnection", filters: ["filter"]) {
      __id
      edges {
        node {
          id
          title
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`;

graphql`
  mutation documentsAddMutation($input: AddBookInput!, $idempotencyKey: String!) {
    addBook(input: $input, idempotencyKey: $idempotencyKey) {
      __typename
      ... on Book {
        id
        title
        stockQuantity
        version
      }
      ... on Error {
        message
        code
      }
    }
  }
`;

graphql`
  mutation documentsSellMutation($id: ID!, $by: Int!, $idempotencyKey: String!) {
    adjustStock(id: $id, by: $by, idempotencyKey: $idempotencyKey) {
      __typename
      ... on Book {
        id
        stockQuantity
        version
      }
      ... on InsufficientStockError {
        available
      }
    }
  }
`;

graphql`
  subscription documentsChangesSubscription($since: Revision, $id: ID) {
    bookChanges(since: $since, id: $id) {
      kind
      revision
      after {
        id
        title
        stockQuantity
        version
      }
    }
  }
`;

graphql`
  query documentsHistoryQuery($id: ID!) {
    book(id: $id) {
      history(first: 5) {
        nodes {
          revision
          before {
            stockQuantity
          }
        }
      }
    }
  }
`;
