import type { OrmService } from "./database/orm-service.ts";
import { FOLDED_VERSION } from "./derived.ts";
import type { StreamDefinition } from "./stream.ts";

const PORTION = 1000;

/** How what is derived of a stream's rows was found to be. */
export interface DerivedReport {
  readonly rows: number;
  /** Rows that a process of another version has written since, which are made anew before anybody reads by them. */
  readonly stale: number;
  /** What is not as it should be, a line each. */
  readonly differences: readonly string[];
}

/** Compares each row with what is derived of it, and the index of words with all of them. It changes nothing. */
export async function checkDerived<T extends object>(
  orm: OrmService,
  definition: StreamDefinition<T>,
): Promise<DerivedReport> {
  const report = await checkRows(orm, definition);
  const { name, index } = wordIndex(orm, definition);
  const differences = index ? await orm.ddl.words.differences(index) : [];
  const lines = differences.map(({ id, what }) =>
    id === undefined ? `the index of words of ${name} ${what}` : `${name} ${id}: the index of words ${what}`,
  );
  return { ...report, differences: [...report.differences, ...lines] };
}

/** Makes the index of words anew, if the stream has one; says whether it does. */
export async function rebuildWords<T extends object>(
  orm: OrmService,
  definition: StreamDefinition<T>,
): Promise<boolean> {
  const { index } = wordIndex(orm, definition);
  if (index) await orm.ddl.words.rebuild(index);
  return index !== undefined;
}

function wordIndex<T extends object>(orm: OrmService, { entity, derived }: StreamDefinition<T>) {
  const { name } = orm.table<T>(entity);
  return { name, index: derived?.words && { table: name, columns: derived.words } };
}

async function checkRows<T extends object>(
  orm: OrmService,
  { entity, derived }: StreamDefinition<T>,
): Promise<DerivedReport> {
  const { name, mapper } = orm.table<T>(entity);
  if (!derived) return { rows: 0, stale: 0, differences: [] };
  const columns = Object.entries(derived.columns);
  const stored = [...columns.map(([column]) => column), FOLDED_VERSION];
  return orm.snapshot(async (sql) => {
    const differences: string[] = [];
    let stale = 0;
    for (let rows = 0, last = 0; ; ) {
      const selected = sql
        .selectFrom(name)
        .select(mapper.selection)
        .select(stored.map((column) => `${column} as $${column}`));
      const portion = await selected.where("id", ">", last).orderBy("id").limit(PORTION).execute();
      for (const row of portion) {
        const instance = mapper.instanceIn(row);
        last = Number(row.id);
        if (row[`$${FOLDED_VERSION}`] !== instance[derived.version]) stale++;
        else {
          const wrong = columns.filter(([column, of]) => row[`$${column}`] !== of(instance)).map(([column]) => column);
          if (wrong.length > 0) differences.push(`${name} ${last}: ${wrong.join(", ")}`);
        }
      }
      rows += portion.length;
      if (portion.length < PORTION) return { rows, stale, differences };
    }
  });
}
