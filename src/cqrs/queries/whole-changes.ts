import type { Change } from "../change.ts";
import type { StreamDefinition } from "../stream.ts";
import { InstanceShape, type Shape } from "./instance-shape.ts";
import { Garbled } from "./unsound.ts";

/**
 * Makes changes whole that processes of other versions logged. What such a version knows and this one does not is left
 * out. What it does not know is, of an instance that it added, what the table has by default; of one that it updated,
 * what that was before, for the statement did not touch it.
 */
export class WholeChanges<T extends object> {
  readonly #definition: StreamDefinition<T>;
  readonly #shape: InstanceShape<T>;

  constructor(definition: StreamDefinition<T>, shape: Shape<T>) {
    this.#definition = definition;
    this.#shape = new InstanceShape(definition.format, shape);
  }

  /** The keys of the rows that must be known, as they are before the first change, for these to be made whole. */
  keysNeeded(changes: readonly Change<Partial<T>>[]): readonly string[] {
    return changes.flatMap(({ before, after }) =>
      before && after && !this.#shape.isComplete(after) ? [this.#keyOf(before)] : [],
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
      const needed = key !== null && after !== null && !this.#shape.isComplete(after);
      const earlier = needed ? (later.get(key) ?? this.#parse(rows.get(key))) : undefined;
      const whole = after && this.#shape.complete({ ...earlier, ...after });
      if (whole) later.set(this.#keyOf(whole), whole);
      return { ...change, before: logged as T | null, after: whole };
    });
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
