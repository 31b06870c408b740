import { GraphQLError } from "graphql";
import { date } from "../books/book.ts";
import type { Builder } from "./builder.ts";

export function defineScalars(builder: Builder): void {
  builder.scalarType("Date", {
    description: "A day, written `YYYY-MM-DD`.",
    serialize: (value) => value,
    parseValue: (value) => {
      const result = date.safeParse(value);
      if (result.success) return result.data;
      throw new GraphQLError("A Date must be a day of the form YYYY-MM-DD.", {
        extensions: { code: "BAD_USER_INPUT" },
      });
    },
  });
  builder.scalarType("JSON", {
    description: "Any JSON value.",
    serialize: (value) => value,
    parseValue: (value) => value,
  });
}
