import type { Format } from "../format.ts";
import { Unsound } from "./unsound.ts";

/** The properties of an instance and what tells one, as `TableReads` knows them. */
export interface Shape<T> {
  readonly properties: readonly string[];
  readonly isInstance: (value: unknown) => value is T;
}

/** Tells instances of this version from those that others have logged, and makes them such. */
export class InstanceShape<T extends object> {
  readonly #format: Format<T>;
  readonly #shape: Shape<T>;

  constructor(format: Format<T>, shape: Shape<T>) {
    this.#format = format;
    this.#shape = shape;
  }

  get properties(): readonly string[] {
    return this.#shape.properties;
  }

  get isInstance(): Shape<T>["isInstance"] {
    return this.#shape.isInstance;
  }

  /** Whether it was logged with all that this version knows. */
  isComplete(logged: Partial<T>): boolean {
    return this.#shape.properties.every((property) => property in logged);
  }

  /**
   * An instance of what was logged, with what the table has by default of what is not there.
   *
   * @throws Unsound when it can be none
   */
  complete(logged: Partial<T>): T {
    const whole = this.#known(this.#format.complete(logged));
    if (!this.#shape.isInstance(whole)) throw new Unsound("the change log has what this version cannot read");
    return whole;
  }

  /** Without what this version does not know; in one order, whoever wrote it. */
  #known(logged: Partial<T>): Partial<T> {
    const properties = this.#shape.properties.filter((property) => property in logged);
    return Object.fromEntries(properties.map((property) => [property, logged[property as keyof T]])) as Partial<T>;
  }
}
