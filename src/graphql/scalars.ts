import { GraphQLError, Kind } from "graphql";
import type { Builder } from "./builder.ts";
import { isDay, storedTime } from "./field-rules.ts";

export function defineScalars(builder: Builder): void {
  builder.scalarType("Date", {
    description: "A day, written `YYYY-MM-DD`.",
    serialize: (value) => value,
    parseValue: (value) => {
      if (typeof value === "string" && isDay(value)) return value;
      throw badUserInput("A Date must be a day of the form YYYY-MM-DD.");
    },
  });
  builder.scalarType("DateTime", {
    description:
      "A time of RFC 3339 in UTC, with milliseconds: `2001-02-03T04:05:06.789Z`. In what is sent it may have any offset, and any fraction of a second.",
    serialize: (value) => value,
    parseValue: (value) => {
      const time = typeof value === "string" ? storedTime(value) : undefined;
      if (time !== undefined) return time;
      throw badUserInput("A DateTime must be a time of RFC 3339, such as 2001-02-03T04:05:06Z.");
    },
  });
  builder.scalarType("Revision", {
    description: "A revision: a whole number from 0 to 2^53 - 1, as a JSON number.",
    serialize: (value) => value,
    parseValue: revision,
    // what the client has written, so that it is not rounded into another one
    parseLiteral: (node) => revision(node.kind === Kind.INT ? Number(node.value) : undefined),
  });
  builder.scalarType("JSON", {
    description: "Any JSON value.",
    serialize: (value) => value,
    parseValue: (value) => value,
  });
}

function revision(value: unknown): number {
  // a minus before zero goes no further
  if (Number.isSafeInteger(value) && (value as number) >= 0) return (value as number) + 0;
  throw badUserInput(`A Revision must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}.`);
}

function badUserInput(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: "BAD_USER_INPUT" } });
}
