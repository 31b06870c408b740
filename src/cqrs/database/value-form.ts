import {
  ArrayType,
  BigIntType,
  DateType,
  DecimalType,
  DoubleType,
  type EntityProperty,
  IntervalType,
  JsonType,
  type Platform,
  StringType,
  TextType,
  type Type,
  Uint8ArrayType,
  UuidType,
} from "@mikro-orm/core";
import { timeText, type ValueKind } from "./value-kind.ts";

/** How the values of one property stand in a row and in an instance. Neither way is asked for null. */
export interface ValueForm {
  /** What it is in JSON, if that is one type. */
  readonly json: "string" | "number" | "boolean" | undefined;
  /** Whether it is selected as a text, because the driver would make an inexact number of it. */
  readonly asText?: boolean;
  /** What the writing thread, which has no MikroORM, may take it for; absent where only MikroORM knows. */
  readonly kind?: ValueKind;
  /** Whether it is a column of JSON. */
  readonly isJson?: boolean;
  /** A driver's value as JSON has it; absent where that is the same. */
  readonly fromRow?: (raw: unknown) => unknown;
  /** The value for the driver, from that of an instance or from what MikroORM would have; absent where that is the same. */
  readonly toRow?: (value: unknown) => unknown;
}

/**
 * The form of a property. {@link InstanceMapper} says what each type is in an instance.
 *
 * @throws RangeError for a property that is not one column of a value that JSON can hold
 */
export function formOf(property: EntityProperty, platform: Platform): ValueForm {
  const { name, kind, customType: type, fieldNames, formula, embedded } = property;
  if (kind !== "scalar" || fieldNames?.length !== 1 || formula || embedded || type instanceof IntervalType) {
    throw new RangeError(`${name} is no scalar in a column of its own, or an interval: an instance cannot hold it`);
  }
  if (type) return formOfType(type, property, platform);
  switch (property.runtimeType) {
    case "Date":
      return { json: "string", kind: "time", fromRow: timeText, toRow: (value) => storedTime(value, platform) };
    case "boolean":
      return { json: "boolean", kind: "boolean", fromRow: Boolean };
    case "number":
      return { json: "number", kind: "plain" };
    case "string":
      // PostgreSQL fills it up with blanks, which SQLite does not
      if (property.type === "character") return { json: "string", fromRow: (raw) => String(raw).replace(/ +$/, "") };
      return property.type === "unknown" ? { json: undefined } : { json: "string", kind: "plain" };
    default:
      return { json: undefined, fromRow: plain };
  }
}

function formOfType(type: Type<unknown>, property: EntityProperty, platform: Platform): ValueForm {
  const toRow = (value: unknown) => type.convertToDatabaseValue(value, platform, { mode: "query-data" });
  if (type instanceof BigIntType) {
    if (type.mode === "number") return { json: "number", asText: true, fromRow: Number, toRow };
    return { json: "string", asText: true, toRow };
  }
  if (type instanceof DecimalType) {
    if ((type.mode ?? property.runtimeType) === "number") return { json: "number", asText: true, fromRow: Number };
    return { json: "string", asText: true, fromRow: (raw) => decimalText(String(raw), property.scale ?? 0) };
  }
  if (type instanceof DoubleType) return { json: "number", kind: "plain" };
  if (type instanceof DateType)
    return { json: "string", kind: "plain", toRow: (value) => (value instanceof Date ? day(value) : value) };
  if (type instanceof UuidType) {
    const lowerCase = (uuid: unknown) => String(uuid).toLowerCase();
    return { json: "string", fromRow: lowerCase, toRow: lowerCase };
  }
  if (type instanceof Uint8ArrayType) {
    const bytes = (value: unknown) =>
      typeof value === "string" ? Buffer.from(value, "base64") : Buffer.from(value as Uint8Array);
    return { json: "string", fromRow: plain, toRow: bytes };
  }
  if (type instanceof JsonType) {
    return { json: undefined, isJson: true, fromRow: (raw) => type.convertToJSValue(raw, platform) as unknown, toRow };
  }
  if (type instanceof ArrayType) return formOfArray(type, platform);
  if (type instanceof StringType || type instanceof TextType) {
    // one that trims, for example, changes texts on their way
    return toRow(" ") === " " ? { json: "string", kind: "plain", toRow } : { json: "string", toRow };
  }
  return {
    json: undefined,
    fromRow: (raw) => plain(type.toJSON(type.convertToJSValue(raw, platform), platform)),
    toRow,
  };
}

/**
 * MikroORM's own texts of arrays lose what the elements hold: an empty text on SQLite, blanks and NULL on PostgreSQL,
 * whose driver has a way that does not.
 */
function formOfArray(type: ArrayType<unknown>, platform: Platform): ValueForm {
  const hasArrays = platform.getArrayDeclarationSQL().endsWith("[]");
  const asElements: Platform = Object.assign(Object.create(platform), {
    marshallArray: (elements: unknown) => elements,
  });
  return {
    json: undefined,
    fromRow: (raw) => {
      const stored: unknown[] = typeof raw === "string" ? JSON.parse(raw) : (raw as unknown[]);
      // one by one: the type may make a zero of null
      return stored.map((element) =>
        element === null ? null : plain(type.convertToJSValue([element], platform)?.[0]),
      );
    },
    toRow: (value) => {
      const elements = type.convertToDatabaseValue(value as unknown[], asElements) as unknown as unknown[];
      return hasArrays ? elements.map(plain) : JSON.stringify(elements.map(plain));
    },
  };
}

/** A value that JSON does not know as the text that stands for it. */
function plain(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  return typeof value === "bigint" ? String(value) : value;
}

function storedTime(value: unknown, platform: Platform): unknown {
  const time = new Date(value as string | number | Date);
  if (Number.isNaN(time.getTime())) throw new RangeError("must be a Date or an ISO 8601 text");
  const stored = platform.processDateProperty(time);
  // the driver would write it in the zone of this process
  return stored instanceof Date ? stored.toISOString() : stored;
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}

const PLAIN_NUMBER = new Intl.NumberFormat("en", { useGrouping: false, maximumFractionDigits: 20 });

/** The same text on both engines: SQLite forgets zeros at the end, and has large ones with an exponent. */
function decimalText(stored: string, scale: number): string {
  const [whole = "", fraction = ""] = (/e/i.test(stored) ? PLAIN_NUMBER.format(Number(stored)) : stored).split(".");
  const digits = fraction.replace(/0+$/, "").padEnd(scale, "0");
  return digits === "" ? whole : `${whole}.${digits}`;
}
