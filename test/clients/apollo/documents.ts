import { gql, type TypedDocumentNode } from "@apollo/client";

export interface Book {
  readonly __typename: "Book";
  readonly id: string;
  readonly title: string;
  readonly stockQuantity: number;
  readonly version: number;
}

export interface Refusal {
  readonly __typename: "ValidationError" | "BookNotFoundError" | "InsufficientStockError" | "TitleTakenError";
  readonly message: string;
  readonly code: string;
}

const BOOK = gql`
  fragment BookParts on Book {
    id
    title
    stockQuantity
    version
  }
`;

export const BOOK_BY_TITLE: TypedDocumentNode<{ book: Book | null }, { title: string }> = gql`
  query BookByTitle($title: String!) {
    book(title: $title) {
      ...BookParts
    }
  }
  ${BOOK}
`;

export interface Page {
  readonly booksConnection: {
    readonly totalCount: number;
    readonly edges: readonly { readonly cursor: string; readonly node: Book }[];
    readonly pageInfo: { readonly endCursor: string | null; readonly hasNextPage: boolean };
  };
}

export const PAGE: TypedDocumentNode<Page, { prefix: string; after?: string | null }> = gql`
  query Page($prefix: String!, $after: String) {
    booksConnection(first: 2, after: $after, filter: { titleStartsWith: $prefix }) {
      totalCount
      edges {
        cursor
        node {
          ...BookParts
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
  ${BOOK}
`;

export const ADJUST_STOCK: TypedDocumentNode<
  { adjustStock: Book | Refusal },
  { id: string; by: number; idempotencyKey: string }
> = gql`
  mutation AdjustStock($id: ID!, $by: Int!, $idempotencyKey: String!) {
    adjustStock(id: $id, by: $by, idempotencyKey: $idempotencyKey) {
      ...BookParts
      ... on Error {
        message
        code
      }
    }
  }
  ${BOOK}
`;

export const NODE: TypedDocumentNode<{ node: Book | null }, { id: string }> = gql`
  query Node($id: ID!) {
    node(id: $id) {
      ... on Node {
        id
      }
      ...BookParts
    }
  }
  ${BOOK}
`;

export interface Change {
  readonly bookChanges: { readonly kind: string; readonly revision: number; readonly after: Book | null };
}

export const CHANGES: TypedDocumentNode<Change, { since: number; id: string }> = gql`
  subscription Changes($since: Revision, $id: ID) {
    bookChanges(since: $since, id: $id) {
      kind
      revision
      after {
        ...BookParts
      }
    }
  }
  ${BOOK}
`;

export const HISTORY: TypedDocumentNode<
  { book: { id: string; history: { nodes: readonly { before: { stockQuantity: number } | null }[] } } | null },
  { id: string }
> = gql`
  query History($id: ID!) {
    book(id: $id) {
      id
      history(first: 5) {
        nodes {
          revision
          before {
            id
            stockQuantity
          }
        }
      }
    }
  }
`;
