import type { Redis } from "ioredis";
import { probe } from "./scripts/probe.ts";
import { takeRate } from "./scripts/rate.ts";
import { inspect, lookAt, readAll, readOn, readPage } from "./scripts/reads.ts";
import { applyChanges, extend, finishLoad, loadRows } from "./scripts/writes.ts";

/** The scripts as commands of a client: it sends their digests, and the text to a server that does not know it. */
export const scripts = {
  applyChanges: { lua: applyChanges, numberOfKeys: 2 },
  readAll: { lua: readAll, numberOfKeys: 2, readOnly: true },
  readPage: { lua: readPage, numberOfKeys: 2, readOnly: true },
  readOn: { lua: readOn, numberOfKeys: 2, readOnly: true },
  inspect: { lua: inspect, numberOfKeys: 2, readOnly: true },
  lookAt: { lua: lookAt, numberOfKeys: 2, readOnly: true },
  extend: { lua: extend, numberOfKeys: 2 },
  loadRows: { lua: loadRows, numberOfKeys: 2 },
  finishLoad: { lua: finishLoad, numberOfKeys: 2 },
  probe: { lua: probe, numberOfKeys: 2 },
  takeRate: { lua: takeRate, numberOfKeys: 1 },
};

type Script<Reply> = (rows: string, order: string, ...args: (string | number)[]) => Promise<Reply>;

/** How many rows a portion has, their bytes, they themselves as JSON, and the first and the last of their members. */
export type PortionReply = [
  size?: number,
  bytes?: number,
  rows?: string | null,
  firstMember?: string,
  lastMember?: string,
];

/** A client that knows the scripts. What they reply is checked where it is read: the keys may hold anything. */
export interface ScriptedRedis extends Redis {
  applyChanges: Script<string | null>;
  readAll: Script<[mark: string, total: number, ...PortionReply] | null>;
  readPage: Script<[mark: string, total: number, first: number, stop: number, ...PortionReply] | null>;
  readOn: Script<PortionReply | null>;
  inspect: Script<[mark: string | null, timeToLiveMs: number]>;
  lookAt: Script<[mark: string | null, fields: number, members: number, ...(string | null)[]]>;
  extend: Script<null>;
  loadRows: Script<null>;
  finishLoad: Script<number>;
  probe: Script<string[]>;
  takeRate(key: string, ...args: number[]): Promise<[given: number, left: number, fullInUs: string]>;
}
