import type {
  AddBookMutation,
  AdjustStockMutation,
  ChangesQuery,
  DeleteBookMutation,
  FieldErrorCode,
  UpdateBookMutation,
} from "./generated/graphql.ts";

type Added = AddBookMutation["addBook"];
type Updated = UpdateBookMutation["updateBook"];
type Adjusted = AdjustStockMutation["adjustStock"];
type Deleted = DeleteBookMutation["deleteBook"];
type FieldError = Extract<Added, { __typename: "ValidationError" }>["fieldErrors"][number];

/** What is wrong with a field, in the page's own language. */
function wordsOnField({ code, limit }: FieldError): string {
  switch (code satisfies FieldErrorCode) {
    case "REQUIRED":
      return "Bitte ausfüllen.";
    case "TOO_LONG":
      return `Höchstens ${limit} Zeichen.`;
    case "TOO_LARGE":
      return `Höchstens ${limit}.`;
    case "TOO_SMALL":
      return `Mindestens ${limit}.`;
    case "INVALID_FORMAT":
      return "Das hat nicht die richtige Form.";
    case "INVALID_CHARACTER":
      return "Ein Zeichen darin geht nicht.";
  }
}

export function wordsOnAdding(result: Added): string {
  switch (result.__typename) {
    case "Book":
      return `${result.title} ist im Katalog.`;
    case "ValidationError":
      return result.fieldErrors.map((error) => `${error.field}: ${wordsOnField(error)}`).join(" ");
    case "TitleTakenError":
      return `${result.title} gibt es schon.`;
    case "IsbnTakenError":
      return `Die ISBN ${result.isbn} hat ${result.book.title}.`;
    case "IdempotencyKeyReusedError":
      return result.message;
  }
}

export function wordsOnUpdating(result: Updated): string {
  switch (result.__typename) {
    case "Book":
      return `${result.title} ist gespeichert.`;
    case "VersionConflictError":
      return `${result.book.title} wurde inzwischen geändert.`;
    case "BookNotFoundError":
      return "Das Buch gibt es nicht mehr.";
    case "ValidationError":
      return result.fieldErrors.map((error) => `${error.field}: ${wordsOnField(error)}`).join(" ");
    case "TitleTakenError":
      return `${result.title} gibt es schon.`;
    case "IsbnTakenError":
      return `Die ISBN ${result.isbn} hat ${result.book.title}.`;
    case "IdempotencyKeyReusedError":
      return result.message;
  }
}

export function wordsOnSelling(result: Adjusted): string {
  switch (result.__typename) {
    case "Book":
      return `Noch ${result.stockQuantity}.`;
    case "InsufficientStockError":
      return `Nur noch ${result.available}.`;
    case "BookNotFoundError":
      return "Das Buch gibt es nicht mehr.";
    case "ValidationError":
      return result.fieldErrors.map(wordsOnField).join(" ");
    case "IdempotencyKeyReusedError":
      return result.message;
  }
}

export function wordsOnDeleting(result: Deleted): string {
  switch (result.__typename) {
    case "Book":
      return `${result.title} ist gelöscht.`;
    case "VersionConflictError":
      return `${result.book.title} wurde inzwischen geändert.`;
    case "BookNotFoundError":
      return "Das Buch gibt es nicht mehr.";
    case "IdempotencyKeyReusedError":
      return result.message;
  }
}

export function wordsOnChange({ kind }: NonNullable<ChangesQuery["changes"]>[number]): string {
  switch (kind) {
    case "ADDED":
      return "neu";
    case "UPDATED":
      return "geändert";
    case "DELETED":
      return "gelöscht";
    case "CHECKPOINT":
      return "";
  }
}
