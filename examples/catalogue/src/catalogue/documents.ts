import { graphql } from "../generated/gql.ts";

export const BooksPage = graphql(`
  query BooksPage($search: String, $filter: BookFilter, $orderBy: BookOrder, $first: Int, $after: String) {
    booksConnection(search: $search, filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
      nodes {
        ...BookFields
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

/** Asked beside the list and not with it: counting may take longer than finding the first page, which need not wait. */
export const BooksSummary = graphql(`
  query BooksSummary($search: String, $filter: BookFilter) {
    booksConnection(search: $search, filter: $filter, first: 0) {
      totalCount
      totalCountIsExact
      facets {
        authors(first: 8) {
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
        isExact
      }
    }
  }
`);
