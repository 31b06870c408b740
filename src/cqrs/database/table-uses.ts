import type { StreamDefinition } from "../stream.ts";
import type { TableUse } from "./engine.ts";
import type { AnyEntity } from "./orm-options.ts";

/** What is done to the tables of these streams, and to those that all streams share. `trims`: whether logs are trimmed. */
export function tableUses(
  // biome-ignore lint/suspicious/noExplicitAny: one for each stream, whatever it is of
  streams: readonly StreamDefinition<any>[],
  nameOf: (entity: AnyEntity) => string,
  trims: boolean,
): readonly TableUse[] {
  return [
    { table: "stream", rights: ["select", "update"] },
    { table: "write_probe", rights: ["select", "update"] },
    { table: "idempotency_key", rights: ["select", "insert", "update", "delete"] },
    ...streams.flatMap(({ changes, entity }): TableUse[] => [
      { table: changes, rights: ["select", "insert", ...(trims ? (["delete"] as const) : [])] },
      { table: nameOf(entity), rights: ["select", "insert", "update", "delete"], drawsIds: true },
    ]),
  ];
}
