import { sql as expression } from "kysely";
import type { Sql } from "../database/engine.ts";
import type { StreamDefinition } from "../stream.ts";
import { NEVER, type Select, type TableRows } from "./table-rows.ts";

/** Who is looked for in the past: the one who had this value; null is nobody's. */
interface Sought<T> {
  readonly property: keyof T & string;
  readonly value: string | number | null;
  /** The property in a column of JSON, as the index has it. */
  readonly member: (column: string) => string;
}

/** No entry has it. */
const NEWEST = Number.MAX_SAFE_INTEGER;

/**
 * What there is to say of who had a value at a revision: the first change after it by which somebody gave the value up or was
 * changed who had it, as `entry` columns; the row of the table that has the value, as `now` columns; and as `$led` the revision
 * that led to either.
 *
 * Who had the value then has it still, or there is such a change. So the value was nobody's if there is neither; else it was
 * theirs whom that is about, unless they took it only after the revision: then nobody had it, for else that one's
 * change would have come first.
 */
export function pastQuery<T extends object>(
  sql: Sql,
  { name, changes }: StreamDefinition<T>,
  rows: TableRows<T>,
  { property, value, member }: Sought<T>,
  revision: number,
): Select {
  const [stored] = value === null ? [] : rows.values(property, [value]);
  const log = sql.selectFrom(changes).selectAll().where("revision", ">", revision).orderBy("revision").limit(1);
  const isTheirs =
    property === "id"
      ? expression<boolean>`entity_id = ${stored}`
      : expression<boolean>`before is not null and ${expression.raw(member("before"))} = ${stored}`;
  const table = rows
    .rows(sql)
    .where(value === null ? NEVER : expression<boolean>`${expression.ref(rows.column(property))} = ${stored}`);
  return sql
    .selectFrom("stream")
    .leftJoin(log.where(value === null ? NEVER : isTheirs).as("entry"), (join) => join.onTrue())
    .leftJoin(table.as("instance"), (join) => join.onTrue())
    .where("stream.name", "=", name)
    .select(["stream.revision as $revision", "stream.token as $token", "stream.trimmed_to as $trimmed"])
    .select(
      expression`(select max(led.revision) from ${expression.table(changes)} as led
        where led.entity_id = coalesce(entry.entity_id, instance.id)
          and led.revision < coalesce(entry.revision, ${expression.lit(NEWEST)}))`.as("$led"),
    )
    .selectAll("entry")
    .select(rows.properties.map((one) => expression.ref(`instance.${one}`).as(`now ${one}`)));
}
