import type { OrmService } from "../database/orm-service.ts";
import type { StreamDefinition } from "../stream.ts";
import type { Findings } from "./findings.ts";

/** Compares the index of words with the columns that it is made of. */
export async function checkWords<T extends object>(
  orm: OrmService,
  definition: StreamDefinition<T>,
  findings: Findings,
): Promise<void> {
  const index = wordIndex(orm, definition);
  if (!index) return;
  for (const { id, what } of await orm.ddl.words.differences(index)) {
    const name = id === undefined ? index.table : `${index.table} ${id}`;
    findings.differ("words", `${name}: the index of words ${what}`);
  }
}

/** Makes the index of words anew, if the stream has one. */
export async function rebuildWords<T extends object>(orm: OrmService, definition: StreamDefinition<T>): Promise<void> {
  const index = wordIndex(orm, definition);
  if (index) await orm.ddl.words.rebuild(index);
}

function wordIndex<T extends object>(orm: OrmService, { entity, derived }: StreamDefinition<T>) {
  return derived?.words && { table: orm.table<T>(entity).name, columns: derived.words };
}
