/** What one process of a scenario does. Look-ups are for reading and for knowing names, so only Redis needs them. */
export interface Role {
  readonly redis: boolean;
  /** How many commands it runs, one after the other. */
  readonly commands: number;
  /** Its commands repeat what was committed before, under the same key: they find that, and change nothing. */
  readonly repeats?: true;
  readonly reads: boolean;
  readonly rebuilds: boolean;
  /** How many look-ups it has under way at a time. */
  readonly lookups: number;
  /** It runs on the copy of the database, once there is one: newly started, or with what it knew before anything happened. */
  readonly onCopy?: "new" | "settled";
}

/** How often each of these happens, at most, in one run. What is absent never happens. */
export interface Limits {
  /** Rebuilds begun, by any process. */
  readonly rebuilds?: number;
  /** Connections that break while both ends live on. */
  readonly drops?: number;
  /** Processes that die and start again. */
  readonly crashes?: number;
  readonly flushes?: number;
  /** Keys that are evicted or expire. */
  readonly evictions?: number;
  /** Servers that end, and start as a new run: empty, or with the data that they had in the beginning. */
  readonly restarts?: number;
  /** Masters that become replicas: read-only, their connections closed, their data replaced by that of the beginning. */
  readonly demotions?: number;
  readonly raises?: number;
  /** Databases that are restored, or deleted and made anew, while no process runs. */
  readonly restores?: number;
  /** Times that a log is trimmed: its older entries are removed. */
  readonly trims?: number;
  /** Copies of the database in use, which go on beside it over the same Redis. */
  readonly copies?: number;
}

/** A small world that one exploration covers completely. */
export interface Scenario {
  readonly name: string;
  /** What can happen in it. */
  readonly about: string;
  readonly processes: readonly Role[];
  readonly limits: Limits;
  /** How many books there are, at most: revision 1 writes the first, revision 2 the second, and so on, round and round. */
  readonly books: 1 | 2;
  /** Reads are of the whole list. Otherwise each is of one book. */
  readonly lists: boolean;
  readonly servers: 1 | 2;
  /** In ticks of the clock. A raised lease is one tick longer. */
  readonly lease: number;
  /** Whether a read model is in force from the beginning, long known to all. */
  readonly settled: boolean;
  /** Time may pass between the begin of a command and its commit. */
  readonly longTransactions: boolean;
  /** Processes catch the read model up in the background, besides refreshing it after their own commands. */
  readonly catchUp: boolean;
  /** Reads must not be older than what the same process committed or answered before, either. */
  readonly ownOrder: boolean;
}

/** A name of a read model: the first, the second, … */
export type Name = number;
/** Distinguishes the commits of all histories. The value of a book is the token of the commit that wrote it; 0 is none. */
export type Token = number;

export interface Mark {
  readonly revision: number;
  readonly token: Token;
}

/** The stream's row and its change log. */
export interface Row {
  /** For each revision from 0, its token. */
  readonly log: readonly Token[];
  /** The revision up to which the log was trimmed. What stands in `log` of those before is what happened, but nobody can read it. */
  readonly trimmed: number;
  readonly name: Name | null;
  readonly lease: number;
}

/** What Redis holds under one name. */
export interface Copy {
  readonly mark: Mark | null;
  readonly rows: readonly Token[];
  /** Which books are in the sorted set. */
  readonly order: readonly boolean[];
}

export type DataSet = readonly (Copy | null)[];

export interface Server {
  readonly run: number;
  readonly readOnly: boolean;
  /** By name. */
  readonly copies: DataSet;
}

/** A look-up, under way or as the record of a process. */
export interface Lookup {
  readonly revision: number;
  readonly name: Name | null;
  readonly lease: number;
  /** Ticks since it began. */
  readonly age: number;
  /** Whether it began after the present connection was ready. */
  readonly afterConnection: boolean;
  /** The mark that it asks for in the log. */
  readonly met: Mark | null;
  /** Whether a mark of another history had been met when it began. */
  readonly afterForeign: boolean;
}

/** What a process knows of the states that a read model has been through, over its connection. */
export interface Chain {
  readonly name: Name;
  /** The newest revision up to which it is known to be of this history. */
  readonly verified: number;
  /** The newer marks that it was met at. */
  readonly seen: readonly Mark[];
}

export interface Command {
  /** Null until it is committed. */
  readonly revision: number | null;
  /** The read model to refresh. */
  readonly name: Name | null;
  readonly lease: number;
  /** Ticks since the commit returned. */
  readonly age: number;
  /** For how many ticks this process has known the name. */
  readonly nameAge: number;
  readonly refresh: "unsent" | "sent" | "confirmed" | "over";
}

/** Changes on their way to Redis: those after one revision, up to another. */
export interface Changes {
  readonly server: number;
  readonly name: Name;
  readonly after: number;
  readonly upTo: number;
  /** Whether the command that sent them waits for the reply. */
  readonly awaited: boolean;
  /** Whether the mark is written and the rows are not. */
  readonly half: boolean;
}

/** A read under way. */
export interface Read {
  readonly name: Name;
  /** The revision that its answer must have reached to count. */
  readonly head: number;
  /** The newest revision that the database told of. */
  readonly known: number;
  /** The revision that its answer must have reached to be right. */
  readonly floor: number;
  /** The rows, where they are read before the mark. */
  readonly rows: readonly Token[] | null;
}

export interface Rebuild {
  /** The name to be replaced. */
  readonly current: Name | null;
  readonly name: Name;
  readonly server: number;
  /** The revision of the snapshot. */
  readonly revision: number;
  /** How many books are copied; one more when the copy is complete. */
  readonly copied: number;
  readonly inForce: boolean;
}

/** Rows of a rebuild whose outcome was unknown, still on their way. */
export interface Portion {
  readonly server: number;
  readonly name: Name;
  readonly book: number;
  readonly value: Token;
}

export interface Process {
  readonly record: Lookup | null;
  /** In the order in which they began. */
  readonly lookups: readonly Lookup[];
  /** The server that it is connected to. */
  readonly connection: number | null;
  /** The newest revision that it committed or showed. */
  readonly head: number;
  /** What `head` would be by every rule, where reads are compared with it. */
  readonly shown: number;
  /** The newest name that it was told, and for how many ticks it has known it. */
  readonly known: { readonly name: Name | null; readonly age: number } | null;
  /** Of the name whose mark it found in the log. */
  readonly chain: Chain | null;
  /** Whether a mark of another history was met, and whether a look-up that began after that has been answered. */
  readonly foreign: "none" | "met" | "told";
  /** A mark that it has read and not yet looked for in the log. */
  readonly checking: { readonly name: Name; readonly mark: Mark } | null;
  readonly command: Command | null;
  readonly commandsLeft: number;
  readonly changes: readonly Changes[];
  readonly read: Read | null;
  readonly rebuild: Rebuild | null;
  readonly portion: Portion | null;
}

interface World {
  /** The newest acknowledged revision, of the database and of its copy. */
  readonly acknowledged: readonly [number, number];
  readonly tokens: number;
  readonly runs: number;
  /** For each name that was ever made, the server run in it. */
  readonly names: readonly number[];
  readonly left: Limits;
}

export interface State {
  readonly row: Row;
  /** The row of the copy of the database, once it is made. */
  readonly copy: Row | null;
  readonly servers: readonly Server[];
  readonly processes: readonly Process[];
  readonly world: World;
}

export function at<T>(list: readonly T[], index: number): T {
  return list[index] as T;
}

export function withProcess(state: State, p: number, changes: Partial<Process>): State {
  return { ...state, processes: state.processes.with(p, { ...at(state.processes, p), ...changes }) };
}

/** Changes that may still arrive, but whose reply nobody waits for. */
export function unawaited(changes: readonly Changes[]): readonly Changes[] {
  return changes.map((sent) => ({ ...sent, awaited: false }));
}

/** What is left after `kind` has happened once more; nothing if it must not. */
export function spend(left: Limits, kind: keyof Limits): Limits | undefined {
  const times = left[kind] ?? 0;
  return times > 0 ? { ...left, [kind]: times - 1 } : undefined;
}

export function newest({ log }: Row): number {
  return log.length - 1;
}

export function markAt({ log }: Row, revision: number): Mark {
  return { revision, token: at(log, revision) };
}

/** Which book a revision writes. */
export function bookOf(revision: number, books: number): number {
  return (revision - 1) % books;
}

/** What the table held of a book at a revision. */
export function valueAt({ log }: Row, book: number, revision: number, books: number): Token {
  for (let r = revision; r > 0; r--) if (bookOf(r, books) === book) return at(log, r);
  return 0;
}

export function livesAt({ servers, world }: State, name: Name, server: number): boolean {
  return world.names[name] === at(servers, server).run;
}

/** Whether a mark is of the history that a row tells. */
export function knows({ log }: Row, { revision, token }: Mark): boolean {
  return log[revision] === token;
}

/** Whether a mark is found in what is left of the log, as a change's or a predecessor's, or in the row. */
export function finds(row: Row, mark: Mark): boolean {
  return mark.revision >= row.trimmed && knows(row, mark);
}

/** The newest revision that two histories have in common. */
export function parting(a: Row, b: Row): number {
  const shorter = Math.min(a.log.length, b.log.length);
  for (let r = 0; r < shorter; r++) if (a.log[r] !== b.log[r]) return r - 1;
  return shorter - 1;
}

export function sameMark(a: Mark | null, b: Mark | null): boolean {
  return a?.revision === b?.revision && a?.token === b?.token;
}

export function rowCount(copy: Copy | null): number {
  return copy?.rows.filter(Boolean).length ?? 0;
}

export function orderCount(copy: Copy | null): number {
  return copy?.order.filter(Boolean).length ?? 0;
}

export function isSound(copy: Copy | null): boolean {
  return copy?.mark != null && rowCount(copy) === orderCount(copy);
}

export function emptyCopy(books: number): Copy {
  return { mark: null, rows: Array(books).fill(0), order: Array(books).fill(false) };
}

/** One row written to a copy, and its mark if it is given. Without a row nothing is written. */
export function load(
  copy: Copy | null,
  book: number,
  value: Token,
  mark: Mark | undefined,
  books: number,
): Copy | null {
  if (value === 0 && !mark) return copy;
  const { rows, order, mark: before } = copy ?? emptyCopy(books);
  return {
    mark: mark ?? before,
    rows: value === 0 ? rows : rows.with(book, value),
    order: value === 0 ? order : order.with(book, true),
  };
}
