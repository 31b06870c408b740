import { hash } from "node:crypto";
import { ServiceError } from "../cqrs/errors.ts";

/** Of the form of cursors. Those of an older one are refused. */
const VERSION = 1;

/** How the places of a list stand in its cursors. */
export interface PlaceForm<Place> {
  /** What JSON has of a place. */
  readonly valuesOf: (place: Place) => readonly unknown[];
  /** The place that has these values; undefined when there can be none. */
  readonly placeOf: (values: readonly unknown[]) => Place | undefined;
}

/**
 * The cursors of one list: each is a place in it, so that it outlives the row that it was made for, and says of which list,
 * by a hash of what is asked.
 */
export class Cursors<Place> {
  readonly #form: PlaceForm<Place>;
  readonly #list: string;

  /** `question` is what tells the list from others, as JSON has it. */
  constructor(question: unknown, form: PlaceForm<Place>) {
    this.#form = form;
    this.#list = `${VERSION}${hash("sha256", JSON.stringify(question), "base64url").slice(0, 8)}`;
  }

  of(place: Place): string {
    return Buffer.from(JSON.stringify([this.#list, ...this.#form.valuesOf(place)])).toString("base64url");
  }

  /**
   * The place that a cursor is, given as the argument `name`.
   *
   * @throws ServiceError `BAD_USER_INPUT` when it is no cursor of this list
   */
  place(name: string, cursor: string | null | undefined): Place | undefined {
    if (cursor == null) return undefined;
    const [list, ...values] = contentOf(cursor) ?? [];
    if (typeof list !== "string" || !list.startsWith(`${VERSION}`) || list.length !== this.#list.length)
      throw badCursor(`${name} is no cursor of this connection.`);
    if (list !== this.#list) throw badCursor(`${name} is a cursor of another order, filter or search.`);
    const place = this.#form.placeOf(values);
    if (place !== undefined && this.of(place) === cursor) return place;
    throw badCursor(`${name} is no cursor of this connection.`);
  }
}

function contentOf(cursor: string): readonly unknown[] | undefined {
  try {
    const content: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    return Array.isArray(content) ? content : undefined;
  } catch {
    return undefined;
  }
}

function badCursor(message: string): ServiceError {
  return new ServiceError("BAD_USER_INPUT", message);
}
