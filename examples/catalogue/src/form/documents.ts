import { graphql } from "../generated/gql.ts";

export const EditForm = graphql(`
  query EditForm($id: ID!) {
    bookEditForm(id: $id) {
      ...EditFormFields
    }
  }
  fragment EditFormFields on BookEditForm {
    book {
      ...BookFields
    }
    jsonSchema
    uiSchema
    formData
  }
`);

export const UpdateBook = graphql(`
  mutation UpdateBook($id: ID!, $input: UpdateBookInput!, $idempotencyKey: String!) {
    updateBook(id: $id, input: $input, idempotencyKey: $idempotencyKey) {
      __typename
      ...BookFields
      ...Refusal
      ... on VersionConflictError {
        editForm {
          ...EditFormFields
        }
      }
    }
  }
  fragment Refusal on Error {
    __typename
    code
    message
    ... on ValidationError {
      fieldErrors {
        field
        message
        code
        limit
      }
    }
    ... on TitleTakenError {
      book {
        id
        title
        version
      }
    }
    ... on IsbnTakenError {
      book {
        id
        title
        version
      }
    }
  }
`);

export const AddForm = graphql(`
  query AddForm {
    bookAddForm {
      jsonSchema
      uiSchema
      formData
    }
  }
`);

export const AddBook = graphql(`
  mutation AddBook($input: AddBookInput!, $idempotencyKey: String!) {
    addBook(input: $input, idempotencyKey: $idempotencyKey) {
      __typename
      ...BookFields
      ...Refusal
    }
  }
`);
