import { MERCURIUS, MERCURIUS_SQLITE, RAW, SERVICE } from "./cast.ts";
import type { Figure } from "./measure.ts";
import {
  BEFORE,
  BEFORE_ONE_CLIENT,
  BESIDE_COUNTS,
  BESIDE_FEW_WRITERS,
  BESIDE_LISTS,
  BESIDE_WRITERS,
  GUARDED,
  TWO_APART,
  TWO_PROCESSES,
} from "./side-workloads.ts";
import { BY_GET, FEW_BOOKS, ONE_CLIENT, serviceWith } from "./workloads.ts";

/** A bound for how an entrant's figure compares with another's. */
export interface Goal {
  readonly workload: string;
  readonly figure: Figure & ("rate" | "p99" | "cpu");
  readonly entrant: string;
  readonly other: string;
  /** The least for a rate, the most for anything else. */
  readonly bound: number;
}

export function goals(grown: number): readonly Goal[] {
  const goal = (figure: Goal["figure"]) => (workload: string, entrant: string, other: string, bound: number) => {
    return { workload, figure, entrant, other, bound };
  };
  const [rate, tail, cpu] = [goal("rate"), goal("p99"), goal("cpu")];
  return [
    rate("point", SERVICE, RAW, 0.8),
    rate("point", SERVICE, MERCURIUS, 1.3),
    tail("point", SERVICE, RAW, 2),
    rate("random", SERVICE, RAW, 0.85),
    rate("random", SERVICE, MERCURIUS, 0.9),
    tail("random", SERVICE, RAW, 2),
    rate("get", BY_GET, SERVICE, 0.6),
    rate("list", SERVICE, RAW, 0.7),
    rate("list", SERVICE, MERCURIUS, 3),
    tail("list", SERVICE, RAW, 2),
    rate("list-sqlite", SERVICE, RAW, 0.7),
    rate("mixed", SERVICE, RAW, 0.85),
    rate("mixed", SERVICE, MERCURIUS, 1.3),
    tail("mixed", SERVICE, RAW, 2),
    tail("mixed-tail", BESIDE_FEW_WRITERS, SERVICE, 2),
    rate("sqlite", SERVICE, RAW, 0.4),
    rate("sqlite", SERVICE, MERCURIUS_SQLITE, 1),
    rate("guarded", GUARDED, SERVICE, 0.95),
    rate("slow-disk", BESIDE_WRITERS, SERVICE, 0.6),
    rate("slow-disk-sqlite", BESIDE_WRITERS, SERVICE, 0.6),
    tail("long-read", BESIDE_LISTS, SERVICE, 2),
    tail("long-read", BESIDE_COUNTS, SERVICE, 2),
    rate("writes", SERVICE, ONE_CLIENT, 4),
    rate("postgres-writes", SERVICE, BEFORE, 5),
    rate("postgres-writes", ONE_CLIENT, BEFORE_ONE_CLIENT, 1.5),
    rate("postgres-writes-far", SERVICE, BEFORE, 20),
    rate("postgres-writes-far", ONE_CLIENT, BEFORE_ONE_CLIENT, 2.3),
    // two that each do nine tenths of what they would do apart do 1.8 times as much as one
    cpu("processes", TWO_PROCESSES, TWO_APART, 1 / 0.9),
    rate("growth", serviceWith(grown), FEW_BOOKS, 0.9),
  ];
}
