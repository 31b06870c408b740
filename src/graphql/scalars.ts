import { GraphQLError } from "graphql";
import type { Builder } from "./builder.ts";
import { isDay } from "./field-rules.ts";

export function defineScalars(builder: Builder): void {
  builder.scalarType("Date", {
    description: "A day, written `YYYY-MM-DD`.",
    serialize: (value) => value,
    parseValue: (value) => {
      if (typeof value === "string" && isDay(value)) return value;
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
