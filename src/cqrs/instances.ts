import type { KeyMap, Writes } from "./batch.ts";
import type { Effect } from "./change.ts";
import type { Decision, Found, Keys } from "./decisions.ts";
import { isStorable } from "./storable.ts";

/** What an instance has at least. */
export interface Keyed {
  readonly id: number;
}

/** A value of a unique property. */
export type Key = string | number;

/**
 * The instances of a stream that a batch is about, as its commands leave them one after the other. What a command may not
 * know or do is an error: it has a fault.
 */
export class Instances<T extends Keyed> {
  readonly #properties: readonly string[];
  readonly #unique: readonly string[];
  /** Who has each of the keys; undefined for one that is free. */
  readonly #holders = new Map<string, Map<Key, T | undefined>>();
  /** Those that every command may know of. */
  readonly #beside: KeyMap;
  readonly #before = new Map<number, T>();
  readonly #now = new Map<number, T>();

  constructor(
    shape: { readonly properties: readonly string[]; readonly unique: readonly string[] },
    keys: KeyMap,
    beside: KeyMap,
    loaded: readonly T[],
  ) {
    this.#properties = shape.properties;
    this.#unique = shape.unique;
    for (const property of shape.unique) this.#holders.set(property, new Map());
    this.#beside = beside;
    for (const [property, values] of [...keys, ...beside]) {
      const holders = this.#holdersOf(property);
      for (const value of values) holders.set(value, undefined);
    }
    for (const instance of loaded) {
      this.#before.set(instance.id, instance);
      this.#put(instance);
    }
  }

  /** What one command may know of. */
  under(keys: Keys<T>): Found<T> {
    return {
      find: (property, value) => {
        const named = keys[property] as readonly unknown[] | undefined;
        const isKnown = named?.includes(value) || this.#beside.get(property)?.includes(value as Key);
        if (!isKnown) throw new Error(`the command has not named this ${property} among its keys`);
        return this.#holdersOf(property).get(value as Key);
      },
    };
  }

  /** Does what a command has decided. @throws Error when that breaks a rule of the table, and nothing is then done. */
  apply(decision: Exclude<Decision<T, never>, { refused: unknown }>, nextId: () => number): Effect<T> {
    const { kind } = decision;
    const before = kind === "add" ? null : decision.before;
    if (before && this.#now.get(before.id) !== before) throw new Error("the command changes what is not there");
    if (kind === "delete") {
      this.#take(before as T);
      return { kind, before, after: null };
    }
    if (kind === "adopt") {
      const { was, after } = decision;
      const now = before && after && this.#replace(before, after, before.id);
      return { kind: was === null ? "add" : now ? "update" : "delete", before: was, after: now };
    }
    const after = this.#replace(before, decision.after, before?.id ?? nextId);
    return { kind, before, after };
  }

  /** Puts what it is to be in the place of an instance, or beside the others. */
  #replace(before: T | null, values: object, idOf: number | (() => number)): T {
    const newValue = (property: string) => propertyOf(values, property);
    for (const property of this.#properties) {
      if (!isStorable(newValue(property))) throw new RangeError(`${property} holds a NUL or half a surrogate pair`);
    }
    for (const property of this.#unique) this.#requireFree(property, newValue(property), before);
    const id = typeof idOf === "number" ? idOf : idOf();
    const after = Object.fromEntries(
      this.#properties.map((property) => [property, property === "id" ? id : (newValue(property) ?? null)]),
    ) as unknown as T;
    if (before) this.#take(before);
    this.#put(after);
    return after;
  }

  /** What is to be done to the table in the end. */
  writes(): Omit<Writes<T>, "changes" | "kept" | "repeated"> {
    const deleted: number[] = [];
    const updated: T[] = [];
    for (const [id, before] of this.#before) {
      const now = this.#now.get(id);
      if (!now) deleted.push(id);
      else if (now !== before) updated.push(now);
    }
    const added = [...this.#now.values()].filter(({ id }) => !this.#before.has(id));
    return { deleted, parked: this.#parked(updated), updated, added };
  }

  /** Rows are updated in any order, and unique values are looked at one row at a time. */
  #parked(updated: readonly T[]): number[] {
    const parked = new Set<number>();
    for (const property of this.#unique) {
      const left = new Map<unknown, number>();
      for (const { id } of updated) left.set(propertyOf(this.#before.get(id) as T, property), id);
      for (const now of updated) {
        const value = propertyOf(now, property);
        const holder = value === null ? undefined : left.get(value);
        if (holder !== undefined && holder !== now.id) parked.add(holder);
      }
    }
    return [...parked];
  }

  #requireFree(property: string, value: unknown, before: T | null): void {
    if (value === undefined || value === null || (before && propertyOf(before, property) === value)) return;
    const holders = this.#holdersOf(property);
    if (!holders.has(value as Key)) throw new Error(`the command has not named this ${property} among its keys`);
    if (holders.get(value as Key)) throw new Error(`the command takes a ${property} that another instance has`);
  }

  #put(instance: T): void {
    this.#now.set(instance.id, instance);
    this.#hold(instance, instance);
  }

  #take(instance: T): void {
    this.#now.delete(instance.id);
    this.#hold(instance, undefined);
  }

  #hold(instance: T, holder: T | undefined): void {
    for (const [property, holders] of this.#holders) {
      const value = propertyOf(instance, property) as Key;
      if (holders.has(value)) holders.set(value, holder);
    }
  }

  #holdersOf(property: string): Map<Key, T | undefined> {
    const holders = this.#holders.get(property);
    if (!holders) throw new Error(`${property} is not unique`);
    return holders;
  }
}

function propertyOf(instance: object, property: string): unknown {
  return (instance as Record<string, unknown>)[property];
}
