import type { Role, Scenario } from "./state.ts";

const writer: Role = { redis: true, commands: 1, reads: false, rebuilds: false, lookups: 1 };
const reader: Role = { redis: true, commands: 0, reads: true, rebuilds: false, lookups: 1 };
const withoutRedis: Role = { redis: false, commands: 1, reads: false, rebuilds: false, lookups: 0 };

const calm = {
  limits: {},
  books: 1,
  lists: false,
  servers: 1,
  lease: 2,
  settled: true,
  longTransactions: false,
  catchUp: false,
  ownOrder: false,
} satisfies Partial<Scenario>;

export const scenarios = [
  {
    ...calm,
    name: "late replies",
    about:
      "P1 writes, P2 reads. A command takes its time; P2's look-ups overtake one another and fail; connections break.",
    processes: [
      { ...writer, commands: 2, lookups: 0 },
      { ...reader, lookups: 2 },
    ],
    limits: { drops: 1 },
    longTransactions: true,
  },
  {
    ...calm,
    name: "one process without Redis",
    about: "P1 has no Redis and writes; P2 writes, reads and catches up in the background; connections break.",
    processes: [
      { ...withoutRedis, commands: 2 },
      { ...writer, reads: true },
    ],
    catchUp: true,
    limits: { drops: 1 },
    lease: 1,
  },
  {
    ...calm,
    name: "two writers",
    about: "P1 and P2 write two books, their changes reach Redis in any order; P3 reads.",
    processes: [{ ...writer, commands: 2, lookups: 0 }, { ...writer, lookups: 0 }, reader],
    books: 2,
    lease: 1,
  },
  {
    ...calm,
    name: "own order",
    about:
      "P1 writes and reads, P2 writes. What a process has committed or shown must not be unseen by its later reads.",
    processes: [
      { ...writer, reads: true },
      { ...writer, lookups: 0 },
    ],
    ownOrder: true,
  },
  {
    ...calm,
    name: "a new name",
    about: "P1 writes, P2 reads; either rebuilds, or both at once.",
    processes: [
      { ...writer, rebuilds: true },
      { ...reader, rebuilds: true },
    ],
    limits: { rebuilds: 2 },
    lease: 1,
  },
  {
    ...calm,
    name: "a new name, slowly",
    about: "P1 writes, P2 reads; one of them rebuilds, and each lease is long enough for more to happen in it.",
    processes: [
      { ...writer, rebuilds: true },
      { ...reader, rebuilds: true },
    ],
    limits: { rebuilds: 1 },
  },
  {
    ...calm,
    name: "the first name",
    about: "No read model is in force yet; P1 has no Redis and writes, P2 joins, rebuilds, reads and writes.",
    processes: [
      { ...withoutRedis, commands: 2 },
      { ...writer, reads: true, rebuilds: true },
    ],
    limits: { rebuilds: 1 },
    settled: false,
    lease: 1,
  },
  {
    ...calm,
    name: "three processes",
    about: "P1 writes and rebuilds, P2 reads, P3 has no Redis and writes.",
    processes: [{ ...writer, rebuilds: true }, reader, withoutRedis],
    limits: { rebuilds: 1 },
    lease: 1,
  },
  {
    ...calm,
    name: "a restarted process",
    about: "P1 writes and rebuilds, P2 reads; either crashes and is started again.",
    processes: [{ ...writer, commands: 2, rebuilds: true }, reader],
    limits: { rebuilds: 1, crashes: 1 },
    lease: 1,
  },
  {
    ...calm,
    name: "a repeated command",
    about: "P1 writes and may crash before it has acknowledged; P2 repeats that under its key; P3 reads and rebuilds.",
    processes: [
      { ...writer, lookups: 0 },
      { ...writer, repeats: true },
      { ...reader, rebuilds: true },
    ],
    limits: { crashes: 1, rebuilds: 1 },
    lease: 1,
  },
  {
    ...calm,
    name: "a restarted Redis",
    about: "P1 writes, P2 reads and rebuilds; Redis restarts, empty or with older data.",
    processes: [
      { ...writer, commands: 2 },
      { ...reader, rebuilds: true },
    ],
    limits: { restarts: 1, rebuilds: 1 },
    lease: 1,
  },
  {
    ...calm,
    name: "a failover",
    about:
      "Redis A becomes a replica of B, or B of A, with older data; P1 writes, P2 reads, and both may reach either.",
    processes: [writer, reader],
    servers: 2,
    limits: { demotions: 1, drops: 1 },
    lease: 1,
  },
  {
    ...calm,
    name: "two servers",
    about: "P1 and P2 may reach either of two servers, of which B has older data; P1 writes and rebuilds, P2 reads.",
    processes: [{ ...writer, rebuilds: true }, reader],
    servers: 2,
    limits: { rebuilds: 1 },
    lease: 1,
  },
  {
    ...calm,
    name: "a copy in portions",
    about: "P1 rebuilds two books in portions, P2 writes and reads; Redis is flushed meanwhile.",
    processes: [
      { ...reader, reads: false, lookups: 0, rebuilds: true },
      { ...writer, commands: 2, reads: true },
    ],
    limits: { rebuilds: 1, flushes: 1 },
    books: 2,
    lease: 1,
  },
  {
    ...calm,
    name: "lists",
    about: "P1 writes two books, P2 reads lists; Redis evicts the hash or the order.",
    processes: [{ ...writer, commands: 2 }, reader],
    limits: { evictions: 1 },
    books: 2,
    lists: true,
    lease: 1,
  },
  {
    ...calm,
    name: "a raised lease",
    about:
      "P1 writes, P2 reads and is configured with a longer lease, to which it raises that of the row; P1 rebuilds.",
    processes: [{ ...writer, rebuilds: true }, reader],
    limits: { raises: 1, rebuilds: 1 },
    lease: 1,
  },
  {
    ...calm,
    name: "a restored database",
    about: "P1 writes, P2 reads; the database is restored or made anew while they are stopped.",
    processes: [{ ...writer, commands: 2, lookups: 0 }, reader],
    limits: { restores: 1 },
    lease: 1,
    catchUp: true,
  },
  {
    ...calm,
    name: "a restored database, rebuilt",
    about: "P1 writes and rebuilds, P2 reads; the database is restored or made anew while they are stopped.",
    processes: [{ ...writer, commands: 2, lookups: 0, rebuilds: true }, reader],
    limits: { restores: 1, rebuilds: 1 },
    lease: 1,
  },
  {
    ...calm,
    name: "a copied database",
    about: "P1 writes; on a copy of the database P2 reads, and P3 has no Redis and writes.",
    processes: [
      { ...writer, commands: 2, lookups: 0 },
      { ...reader, onCopy: "new" },
      { ...withoutRedis, onCopy: "new" },
    ],
    limits: { copies: 1 },
    lease: 1,
  },
  {
    ...calm,
    name: "a copied database, written twice",
    about: "P1 writes; on a copy of the database P2 writes and P3 reads.",
    processes: [
      { ...writer, commands: 2, lookups: 0 },
      { ...writer, lookups: 0, onCopy: "settled" },
      { ...reader, onCopy: "settled" },
    ],
    limits: { copies: 1 },
    lease: 1,
  },
  {
    ...calm,
    name: "a copied database, rebuilt",
    about: "P1 writes; on a copy of the database P2 writes, reads and rebuilds.",
    processes: [
      { ...writer, lookups: 0 },
      { ...writer, reads: true, rebuilds: true, onCopy: "settled" },
    ],
    limits: { copies: 1, rebuilds: 1 },
    lease: 1,
  },
] as const satisfies readonly Scenario[];
