import { stringify } from "csv-stringify/sync";
import type { Module } from "../module.ts";

/** How instances are written to a file: a line for each, and perhaps one before all. */
export interface ExportLines {
  readonly header: string;
  readonly lines: (instances: readonly object[]) => string;
}

/** How those of a module are written, by what a file ends with. */
export function exportLines({ csvColumns }: Module): Readonly<Record<string, ExportLines>> {
  return {
    // a text keeps the line breaks that it has
    ".csv": {
      header: stringify([[...csvColumns]]),
      lines: (instances) => stringify([...instances], { columns: [...csvColumns] }),
    },
    ".jsonl": {
      header: "",
      lines: (instances) => instances.map((instance) => `${JSON.stringify(instance)}\n`).join(""),
    },
  };
}
