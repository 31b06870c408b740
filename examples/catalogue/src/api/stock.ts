import { graphql } from "../generated/gql.ts";

export const StockOfBook = graphql(`
  fragment StockOfBook on Book {
    id
    stockQuantity
  }
`);

export const AdjustStock = graphql(`
  mutation AdjustStock($id: ID!, $by: Int!, $idempotencyKey: String!) {
    adjustStock(id: $id, by: $by, idempotencyKey: $idempotencyKey) {
      __typename
      ...BookFields
      ... on Error {
        message
      }
      ... on InsufficientStockError {
        available
      }
    }
  }
`);
