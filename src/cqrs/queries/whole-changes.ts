import type { Change } from "../change.ts";
import type { StreamDefinition } from "../stream.ts";
import { Garbled, Unsound } from "./unsound.ts";

/** The properties of an instance and what tells one, as `TableReads` knows them. */
interface Shape<T> {
  readonly properties: readonly string[];
  readonly isInstance: (value: unknown) => value is T;
}

/**
 * Makes changes whole that processes of other versions logged. What such a version knows and this one does not is left
 * out. What it does not know is, of an instance that it added, what the table has by default; of one that it updated,
 * what that was before, for the statement did not touch it.
 */
export class WholeChanges<T extends object> {
  readonly #definition: StreamDefinition<T>;
  readonly #shape: Shape<T>;

  constructor(definition: StreamDefinition<T>, shape: Shape<T>) {
    this.#definition = definition;
    this.#shape = shape;
  }

  /** The keys of the rows that must be known, as they are before the first change, for these to be made whole. */
  keysNeeded(changes: readonly Change<Partial<T>>[]): readonly string[] {
    return changes.flatMap(({ before, after }) =>
      before && after && !this.#isComplete(after) ? [this.#keyOf(before)] : [],
    );
  }

  /**
   * The changes as this version would have logged them. `rows` has the JSON of the rows that `keysNeeded` names, as far as
   * there are such rows before the first change.
   *
   * @throws Unsound when that cannot be known
   */
  from(changes: readonly Change<Partial<T>>[], rows: ReadonlyMap<string, string | null>): Change<T>[] {
    const later = new Map<string, T>();
    return changes.map((change) => {
      const { before: logged, after } = change;
      const key = logged && this.#keyOf(logged);
      const needed = key !== null && after !== null && !this.#isComplete(after);
      const earlier = needed ? (later.get(key) ?? this.#parse(rows.get(key))) : undefined;
      const whole = after && this.#complete({ ...earlier, ...after });
      if (whole) later.set(this.#keyOf(whole), whole);
      return { ...change, before: logged as T | null, after: whole };
    });
  }

  #isComplete(logged: Partial<T>): boolean {
    return this.#shape.properties.every((property) => property in logged);
  }

  #complete(logged: Partial<T>): T {
    const whole = this.#known(this.#definition.format.complete(logged));
    if (!this.#shape.isInstance(whole)) throw new Unsound("the change log has what this version cannot read");
    return whole;
  }

  /** Without what this version does not know; in one order, whoever wrote it. */
  #known(logged: Partial<T>): Partial<T> {
    const properties = this.#shape.properties.filter((property) => property in logged);
    return Object.fromEntries(properties.map((property) => [property, logged[property as keyof T]])) as Partial<T>;
  }

  #parse(json: string | null | undefined): T {
    try {
      const instance: unknown = JSON.parse(json ?? "");
      if (this.#shape.isInstance(instance)) return instance;
    } catch {
      // said below
    }
    throw new Garbled("a row that was changed is no instance");
  }

  #keyOf(instance: Partial<T>): string {
    return String(instance[this.#definition.key]);
  }
}
