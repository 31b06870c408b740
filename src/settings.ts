import { z } from "zod";

/** The settings of all modules, as `ConfigService` found them. */
export type Settings = ReadonlyMap<Setting<unknown>, unknown>;

/** A setting that belongs to a module. It is read with all others, and its faults are reported among theirs. */
export class Setting<V> {
  /** The name of the environment variable. */
  readonly name: string;
  /** What it may be, and its default. */
  readonly schema: z.ZodType<V>;

  constructor(name: string, schema: z.ZodType<V>) {
    this.name = name;
    this.schema = schema;
  }

  /** The value in a configuration that was read for this setting's module. */
  of({ settings }: { readonly settings: Settings }): V {
    if (!settings.has(this)) throw new Error(`${this.name} was not read`);
    return settings.get(this) as V;
  }
}

export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,10}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));

export const flag = z.enum(["true", "false"], "must be true or false").transform((value) => value === "true");

/** Items with commas between them. */
export const list = z.string().transform((text) =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== ""),
);
