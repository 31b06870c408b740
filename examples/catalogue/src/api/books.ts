import { graphql } from "../generated/gql.ts";

/** What every page shows of a book. All ask for `id` and `version`, by which the cache knows which answer is newer. */
export const BookFields = graphql(`
  fragment BookFields on Book {
    id
    title
    author
    publishedDate
    isbn
    language
    description
    coverUrl
    stockQuantity
    version
    addedAt
    updatedAt
  }
`);

/** Of what was before only the id: with more, the cache would take it for the book as it now is. */
export const BookChanges = graphql(`
  subscription BookChanges($since: Revision) {
    bookChanges(since: $since) {
      revision
      kind
      before {
        id
      }
      after {
        ...BookFields
      }
    }
  }
`);
