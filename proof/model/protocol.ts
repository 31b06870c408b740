import type { Emit, Model } from "./explore.ts";
import type { Rules } from "./rules.ts";
import {
  at,
  bookOf,
  type Chain,
  type Changes,
  type Command,
  type Copy,
  type DataSet,
  emptyCopy,
  finds,
  isSound,
  knows,
  type Limits,
  type Lookup,
  livesAt,
  load,
  type Mark,
  markAt,
  type Name,
  newest,
  orderCount,
  type Portion,
  type Process,
  parting,
  type Read,
  type Rebuild,
  type Role,
  type Row,
  rowCount,
  type Scenario,
  type Server,
  type State,
  sameMark,
  spend,
  type Token,
  unawaited,
  valueAt,
  withProcess,
} from "./state.ts";

/**
 * The design's rules as a state machine: every party, each of its steps, and all that can happen to it.
 *
 * A step may happen whenever it can, or never. So a process that is paused is one that takes no step while the clock
 * ticks, a late reply is a late step, and a lost one a step that is not taken. Steps that commute are one:
 *
 * - A look-up begins and is executed at once. One that is executed later can do nothing that another, begun then, cannot.
 * - A transaction reads the row, moves it and commits: from the first on, nobody else can change it.
 * - A commit is executed, returns and sends its refresh at once, unless there is no connection for that.
 * - Changes are applied and their reply arrives at once; what the process makes of it is a step of its own.
 *
 * Where the model cannot tell whether a process has a reason to do something (to rebuild, to catch up), it may do it.
 * The database answers all other reads, always rightly; that is a step only where the order of a process's own reads counts.
 */
export class Protocol implements Model<State> {
  readonly initial: State;
  readonly #scenario: Scenario;
  readonly #rules: Rules;
  readonly #longestLease: number;

  constructor(scenario: Scenario, rules: Rules) {
    this.#scenario = scenario;
    this.#rules = rules;
    this.#longestLease = scenario.lease + (scenario.limits.raises ? 1 : 0);
    const { books, settled } = scenario;
    const empty: DataSet = Array(1 + (scenario.limits.rebuilds ?? 0)).fill(null);
    const first = { mark: { revision: 0, token: 0 }, rows: Array(books).fill(0), order: Array(books).fill(false) };
    const copies = settled ? empty.with(0, first) : empty;
    this.initial = {
      row: { log: [0], trimmed: 0, name: settled ? 0 : null, lease: scenario.lease },
      copy: null,
      servers: Array.from({ length: scenario.servers }, (_, run) => ({ run, readOnly: false, copies })),
      processes: scenario.processes.map((role) => ({
        ...this.#started(role),
        known:
          settled && role.redis && role.commands > 0 && role.onCopy !== "new"
            ? { name: 0, age: this.#longestLease }
            : null,
        chain: settled && this.#checks && role.onCopy !== "new" ? { name: 0, verified: 0, seen: [] } : null,
      })),
      world: {
        acknowledged: [0, 0],
        tokens: 1,
        runs: scenario.servers,
        names: settled ? [0] : [],
        left: scenario.limits,
      },
    };
  }

  parts({ row, copy, servers, processes, world }: State): readonly object[] {
    return [row, copy ?? NO_COPY, ...servers, ...processes, world];
  }

  steps(state: State, emit: Emit<State>): void {
    for (const [p, process] of state.processes.entries()) {
      if (this.#role(p).onCopy && !state.copy) continue;
      if (this.#role(p).redis) {
        this.#lookUp(state, p, process, emit);
        this.#connect(state, p, process, emit);
        this.#apply(state, p, process, emit);
        this.#read(state, p, process, emit);
        this.#check(state, p, process, emit);
        this.#rebuild(state, p, process, emit);
      }
      this.#command(state, p, process, emit);
      this.#crash(state, p, process, emit);
    }
    for (const [s, server] of state.servers.entries()) this.#disturb(state, s, server, emit);
    this.#operate(state, emit);
    this.#tick(state, emit);
  }

  /** Where there is one history and all of its log every mark is in that; the check would only forbid reads, so it is left out. */
  get #checks(): boolean {
    const { restores = 0, copies = 0, trims = 0 } = this.#scenario.limits;
    return restores + copies + trims > 0;
  }

  /** The row of the database that a process runs on. */
  #row(state: State, p: number): Row {
    return this.#role(p).onCopy ? (state.copy as Row) : state.row;
  }

  #withRow(state: State, p: number, row: Row): State {
    return this.#role(p).onCopy ? { ...state, copy: row } : { ...state, row };
  }

  #acknowledged({ world }: State, p: number): number {
    return world.acknowledged[this.#role(p).onCopy ? 1 : 0];
  }

  #role(p: number): Role {
    return at(this.#scenario.processes, p);
  }

  #started(role: Role): Process {
    return {
      record: null,
      lookups: [],
      connection: role.redis && this.#scenario.servers === 1 ? 0 : null,
      head: 0,
      shown: 0,
      known: null,
      chain: null,
      foreign: "none",
      checking: null,
      command: null,
      commandsLeft: role.commands,
      changes: [],
      read: null,
      rebuild: null,
      portion: null,
    };
  }

  // the clock

  #tick(state: State, emit: Emit<State>): void {
    const { lookupCountsFromItsBegin, leaseCountsFromCommit } = this.#rules;
    const longest = this.#longestLease;
    const older = <T extends { age: number }>(timed: T): T => ({ ...timed, age: Math.min(timed.age + 1, longest) });
    const processes = state.processes.map((process, p): Process => {
      const { record, lookups, known, command } = process;
      const counts = command && (command.revision !== null || !leaseCountsFromCommit);
      return {
        ...process,
        record: record && this.#kept(older(record), p),
        lookups: lookups
          .map(older)
          // the time-out of a look-up is shorter than its lease
          .filter((lookup) => lookup.age < lookup.lease || !lookupCountsFromItsBegin),
        known: known && older(known),
        command: counts ? { ...older(command), nameAge: Math.min(command.nameAge + 1, longest) } : command,
      };
    });
    emit({ ...state, processes }, () => "The clock ticks.");
  }

  /** A record that has run out says nothing any more, except to the timer that is to clear it. */
  #kept(record: Lookup, p: number): Lookup | null {
    return this.#counts(record, p) || !this.#rules.leaseComparedAtEachRead ? record : null;
  }

  #counts(record: Lookup, p: number): boolean {
    return record.age < (this.#rules.leaseOfLookup ? record.lease : this.#configuredLease(p));
  }

  /** The first process is the oldest; the second one is configured with the longer lease. */
  #configuredLease(p: number): number {
    return p === 0 ? this.#scenario.lease : this.#longestLease;
  }

  // look-ups

  #lookUp(state: State, p: number, process: Process, emit: Emit<State>): void {
    const { lookups, record } = process;
    const rules = this.#rules;
    if (lookups.length < this.#role(p).lookups && (this.#role(p).reads || this.#commandsToCome(process))) {
      const primary = this.#row(state, p);
      const rows = rules.lookupOnPrimary ? [primary] : [primary, this.initial.row];
      const met = rules.lookupAsksForMark ? (process.chain?.seen.at(-1) ?? null) : null;
      for (const row of rows) {
        const lookup = {
          revision: newest(row),
          name: row.name,
          lease: row.lease,
          age: 0,
          afterConnection: process.connection !== null,
          met,
          afterForeign: process.foreign !== "none",
        };
        const asks = met ? ` It asks for ${markOf(met)} in the log.` : "";
        const from = row === primary ? "" : " from a standby that lags";
        emit(
          withProcess(state, p, { lookups: [...lookups, lookup] }),
          () => `${P(p)} looks the row up${from}: ${newest(row)} is the revision, ${N(row.name)} in force.${asks}`,
        );
      }
    }
    for (const [i, lookup] of lookups.entries()) {
      const rest = lookups.toSpliced(i, 1);
      emit(
        withProcess(state, p, {
          ...this.#learn(process, lookup.name),
          ...this.#toldOfMark(process, lookup, this.#row(state, p)),
          record: this.#recorded(process, p, lookup),
          lookups: rest,
        }),
        () => `The reply to ${P(p)}'s look-up arrives: revision ${lookup.revision}, ${N(lookup.name)}.`,
      );
      const renewed = record && !rules.failedLookupLeavesRecord ? { ...record, age: 0 } : record;
      emit(withProcess(state, p, { record: renewed, lookups: rest }), () => `${P(p)}'s look-up fails.`);
    }
    if (record && !rules.leaseComparedAtEachRead && !this.#counts(record, p)) {
      emit(withProcess(state, p, { record: null }), () => `${P(p)}'s timer runs: its record is overdue.`);
    }
  }

  /** The record after the reply to `lookup`. Of two that began in the same tick either may be the later one. */
  #recorded({ record }: Process, p: number, lookup: Lookup): Lookup | null {
    const { recordReplacedByLaterOnly, recordReplacedWhole, lookupCountsFromItsBegin } = this.#rules;
    if (!this.#role(p).reads) return null;
    if (!lookupCountsFromItsBegin) return { ...lookup, age: 0 };
    if (!record || lookup.age <= record.age) return lookup;
    if (!recordReplacedWhole) return { ...record, revision: lookup.revision, name: lookup.name };
    return recordReplacedByLaterOnly ? record : lookup;
  }

  /** What the reply to a look-up says of the mark that it asked for. A log that has it now had it when that was asked. */
  #toldOfMark({ chain, foreign }: Process, { met, afterForeign }: Lookup, row: Row): Partial<Process> {
    return {
      ...(met && { chain: !chain || this.#finds(row, met) ? verified(chain, met.revision) : null }),
      foreign: afterForeign ? "told" : foreign,
    };
  }

  /** What the log says of a mark when it is asked. */
  #finds(row: Row, mark: Mark): boolean {
    return finds(row, mark) || (!this.#rules.trimmedMarkIsUnknown && mark.revision < row.trimmed);
  }

  #commandsToCome({ command, commandsLeft }: Process): boolean {
    return command !== null || commandsLeft > 0;
  }

  #learn(process: Process, name: Name | null): Pick<Process, "known"> {
    const { known } = process;
    if (!this.#commandsToCome(process) || known?.name === name) return { known };
    const age = known === null && !this.#rules.nameKnownAnewAfterRestart ? this.#longestLease : 0;
    return { known: { name, age } };
  }

  // connections

  #connect(state: State, p: number, process: Process, emit: Emit<State>): void {
    if (process.connection !== null) {
      const left = spend(state.world.left, "drops");
      if (left) {
        const processes = state.processes.with(p, this.#disconnected(process));
        emit({ ...state, processes, world: { ...state.world, left } }, () => `${P(p)}'s connection to Redis breaks.`);
      }
      return;
    }
    const earlier = (lookup: Lookup) => ({ ...lookup, afterConnection: false });
    for (const [s, server] of state.servers.entries()) {
      emit(
        withProcess(state, p, {
          connection: s,
          record: process.record && earlier(process.record),
          lookups: process.lookups.map(earlier),
        }),
        () => `${P(p)} connects to ${this.#server(s, server)}.`,
      );
    }
  }

  /** What was sent may still be executed, but no reply is awaited any more. */
  #disconnected(process: Process): Process {
    const { command, read } = process;
    return {
      ...process,
      connection: null,
      command: command?.refresh === "sent" ? { ...command, refresh: "over" } : command,
      changes: unawaited(process.changes),
      chain: null,
      checking: null,
      read: this.#rules.readEndsWithConnection ? null : read,
    };
  }

  // commands

  #command(state: State, p: number, process: Process, emit: Emit<State>): void {
    const { command, commandsLeft } = process;
    const { longTransactions } = this.#scenario;
    if (!command && commandsLeft > 0 && longTransactions) {
      const begun: Command = { revision: null, name: null, lease: 0, age: 0, nameAge: 0, refresh: "unsent" };
      emit(
        withProcess(state, p, { command: begun, commandsLeft: commandsLeft - 1 }),
        () => `${P(p)} begins a command.`,
      );
    }
    if (command ? command.revision === null : commandsLeft > 0 && !longTransactions)
      this.#commit(state, p, process, emit);
    if (command && command.revision !== null) {
      if (command.refresh === "unsent" && this.#mayRefresh(state, process, command)) {
        emit(
          withProcess(state, p, this.#sendRefresh(process, command)),
          () => `${P(p)} sends change ${command.revision} to Redis under ${N(command.name)}.`,
        );
      }
      this.#acknowledge(state, p, process, command, command.revision, emit);
    }
  }

  #commit(state: State, p: number, process: Process, emit: Emit<State>): void {
    const { world } = state;
    const row = this.#row(state, p);
    const { nameOfOwnTransaction, leaseOfOwnTransaction, headIncludesOwnCommits } = this.#rules;
    const { ownOrder } = this.#scenario;
    const { reads, repeats } = this.#role(p);
    const revision = repeats ? newest(row) : row.log.length;
    // nothing was committed that could be found
    if (revision === 0) return;
    const { known } = nameOfOwnTransaction ? this.#learn(process, row.name) : process;
    const command: Command = {
      revision,
      name: nameOfOwnTransaction || !known ? row.name : known.name,
      lease: leaseOfOwnTransaction ? row.lease : this.#configuredLease(p),
      age: process.command?.age ?? 0,
      nameAge: known?.age ?? 0,
      refresh: "unsent",
    };
    const committed: Process = {
      ...process,
      known,
      command,
      commandsLeft: process.command ? process.commandsLeft : process.commandsLeft - 1,
      head: reads && headIncludesOwnCommits ? revision : process.head,
      shown: reads && ownOrder ? revision : process.shown,
    };
    const sends = this.#mayRefresh(state, committed, command);
    emit(
      {
        ...(repeats ? state : this.#withRow(state, p, { ...row, log: [...row.log, world.tokens] })),
        processes: state.processes.with(
          p,
          sends ? { ...committed, ...this.#sendRefresh(committed, command) } : committed,
        ),
        world: repeats ? world : { ...world, tokens: world.tokens + 1 },
      },
      () =>
        (repeats
          ? `${P(p)} finds what it repeats, at revision ${revision}; its transaction returns ${N(row.name)}`
          : `${P(p)} commits revision ${revision}; its transaction returns ${N(row.name)}`) +
        (sends ? `. It sends the change to Redis under ${N(command.name)}.` : "."),
    );
  }

  #mayRefresh(state: State, process: Process, { name }: Command): boolean {
    const { connection, chain } = process;
    if (connection === null || name === null) return false;
    if (this.#rules.refreshComparesServer && !livesAt(state, name, connection)) return false;
    return !this.#checks || !this.#rules.markFoundInLog || chain?.name === name;
  }

  #sendRefresh({ connection, changes }: Process, command: Command): Partial<Process> {
    const { name, revision } = command as { name: Name; revision: number };
    const server = connection as number;
    return {
      command: { ...command, refresh: "sent" },
      changes: [...changes, { server, name, after: revision - 1, upTo: revision, awaited: true, half: false }],
    };
  }

  #acknowledge(state: State, p: number, process: Process, command: Command, revision: number, emit: Emit<State>): void {
    const why = this.#mayAcknowledge(p, command);
    if (!why) return;
    const { world } = state;
    const [original, copy] = world.acknowledged;
    const acknowledged: [number, number] = this.#role(p).onCopy
      ? [original, Math.max(copy, revision)]
      : [Math.max(original, revision), copy];
    const known = process.commandsLeft > 0 ? process.known : null;
    const next = withProcess(state, p, { command: null, known, changes: unawaited(process.changes) });
    emit({ ...next, world: { ...world, acknowledged } }, () => `${P(p)} acknowledges revision ${revision}: ${why}.`);
  }

  /** Why the command may be acknowledged now, if it may. */
  #mayAcknowledge(p: number, command: Command): string | undefined {
    const { nameKnownForLease, refreshConfirmed, withoutRedisWaits, repeatIsAcknowledgedAlike } = this.#rules;
    const { name, lease, age, nameAge, refresh } = command;
    if (name === null) return "no read model is in force";
    if (this.#role(p).repeats && !repeatIsAcknowledgedAlike) return "it was committed before";
    if (age >= lease) return "a lease has passed";
    if (!this.#role(p).redis) return withoutRedisWaits ? undefined : "it has no Redis to refresh";
    const knownLong = nameAge >= lease;
    if (refresh === "confirmed" && knownLong) return `${N(name)} is refreshed, and long known`;
    if (refresh === "confirmed" && !nameKnownForLease) return `${N(name)} is refreshed`;
    if (refresh === "sent" && knownLong && !refreshConfirmed) return `the refresh of ${N(name)} is sent`;
    return undefined;
  }

  // changes that arrive at Redis

  #apply(state: State, p: number, process: Process, emit: Emit<State>): void {
    for (const [i, changes] of process.changes.entries()) {
      const { server: s, name, awaited } = changes;
      const server = at(state.servers, s);
      const rest = process.changes.toSpliced(i, 1);
      const { copy, mark, half } = server.readOnly
        ? { copy: server.copies[name] ?? null, mark: null, half: false }
        : this.#applied(server.copies[name] ?? null, this.#row(state, p), changes);
      const applied = {
        ...state,
        servers: state.servers.with(s, { ...server, copies: server.copies.with(name, copy) }),
      };
      const says = () => {
        const range =
          changes.after + 1 === changes.upTo ? `${changes.upTo}` : `${changes.after + 1} to ${changes.upTo}`;
        const found = half ? "its mark is written, its row not yet" : `it then has ${markOf(mark)}`;
        return `Redis is told change ${range} by ${P(p)} under ${N(name)}; ${found}.`;
      };
      if (half) emit(withProcess(applied, p, { changes: process.changes.with(i, { ...changes, half }) }), says);
      else if (awaited) emit(withProcess(applied, p, this.#refreshed(state, p, process, name, mark, rest)), says);
      else emit(withProcess(applied, p, { changes: rest }), says);
    }
    if (this.#scenario.catchUp && process.changes.length === 0) this.#catchUp(state, p, process, emit);
  }

  /** What the script makes of a copy: each change on top of its predecessor's mark; no mark when it is unsound. */
  #applied(copy: Copy | null, { log }: Row, changes: Changes): { copy: Copy | null; mark: Mark | null; half: boolean } {
    const { applyOnPredecessorsMark, applyWithoutGaps, applyInOneScript } = this.#rules;
    if (applyOnPredecessorsMark && !isSound(copy)) return { copy, mark: null, half: false };
    const { books } = this.#scenario;
    let { mark, rows, order } = copy ?? { mark: null, rows: Array(books).fill(0), order: Array(books).fill(false) };
    for (let revision = changes.after + 1; revision <= changes.upTo; revision++) {
      const own = { revision, token: at(log, revision) };
      const fits =
        !applyOnPredecessorsMark ||
        (applyWithoutGaps
          ? sameMark(mark, { revision: revision - 1, token: at(log, revision - 1) }) || changes.half
          : mark !== null && mark.revision < revision);
      if (fits) {
        const written = bookOf(revision, books);
        const onlyMark = !applyInOneScript && !changes.half;
        if (!onlyMark) rows = rows.with(written, own.token);
        if (!onlyMark) order = order.with(written, true);
        mark = own;
        if (onlyMark) return { copy: { mark, rows, order }, mark, half: true };
      } else if (mark && revision >= mark.revision && !sameMark(mark, own)) {
        break;
      }
    }
    return { copy: { mark, rows, order }, mark, half: false };
  }

  /** What a process makes of the mark that Redis has after its refresh. */
  #refreshed(
    state: State,
    p: number,
    process: Process,
    name: Name,
    mark: Mark | null,
    changes: readonly Changes[],
  ): Partial<Process> {
    const command = process.command as Command;
    const revision = command.revision as number;
    const row = this.#row(state, p);
    const result = (refresh: Command["refresh"]) => ({ command: { ...command, refresh }, changes });
    const met = mark && this.#met(process, name, mark, row);
    const isOwn = mark && sameMark(mark, markAt(row, revision));
    if (mark && mark.revision >= revision && (isOwn || this.#finds(row, mark) || this.#takesNewer(mark, revision))) {
      return {
        ...result("confirmed"),
        ...met,
        chain: this.#scenario.limits.copies ? verified(met?.chain ?? null, revision) : process.chain,
      };
    }
    const server = process.connection as number;
    if (mark && mark.revision < revision && this.#finds(row, mark)) {
      const after = Math.max(mark.revision, row.trimmed);
      const missing = { server, name, after, upTo: newest(row), awaited: true, half: false };
      return { changes: [...changes, missing] };
    }
    return { ...result("over"), ...met, ...this.#unsound(process) };
  }

  #takesNewer(mark: Mark, revision: number): boolean {
    return mark.revision > revision && !this.#rules.newerMarkInLog;
  }

  #unsound({ chain }: Process): Pick<Process, "chain"> {
    return { chain: this.#rules.forgetCheckOfUnsound ? null : chain };
  }

  /** What a process remembers of a mark that Redis answered with. */
  #met({ chain, foreign }: Process, name: Name, mark: Mark, row: Row): Pick<Process, "chain" | "foreign"> {
    const isNew =
      this.#scenario.limits.copies &&
      chain?.name === name &&
      mark.revision > chain.verified &&
      !chain.seen.some((one) => sameMark(one, mark));
    return {
      chain: isNew ? { ...chain, seen: [...chain.seen, mark] } : chain,
      foreign: this.#scenario.limits.copies && foreign === "none" && !knows(row, mark) ? "met" : foreign,
    };
  }

  #catchUp(state: State, p: number, process: Process, emit: Emit<State>): void {
    const { connection } = process;
    const row = this.#row(state, p);
    const { name } = row;
    if (connection === null || name === null || !livesAt(state, name, connection)) return;
    const mark = at(state.servers, connection).copies[name]?.mark;
    if (!mark || mark.revision >= newest(row)) return;
    const missing = {
      server: connection,
      name,
      after: Math.max(mark.revision, row.trimmed),
      upTo: newest(row),
      awaited: false,
      half: false,
    };
    const continues = this.#finds(row, mark);
    emit(
      withProcess(state, p, continues ? { changes: [missing] } : this.#unsound(process)),
      () => `${P(p)} catches ${N(name)} up from ${markOf(mark)} to revision ${missing.upTo} (begins).`,
    );
  }

  // reads

  #read(state: State, p: number, process: Process, emit: Emit<State>): void {
    if (!this.#role(p).reads) return;
    const { read, connection } = process;
    if (!read) {
      this.#beginRead(state, p, process, emit);
      return;
    }
    const floor = Math.max(this.#acknowledged(state, p), process.shown);
    if (!this.#rules.readJoinsNoEarlier && floor > read.floor) {
      const joined = { ...read, floor };
      emit(
        withProcess(state, p, { read: joined }),
        () => `Another read of ${P(p)} begins, and joins the one under way.`,
      );
    }
    if (connection === null) return;
    const copy = at(state.servers, connection).copies[read.name] ?? null;
    if (!this.#rules.markWithAnswer && !read.rows) {
      const rows = this.#rowsOf(copy);
      emit(withProcess(state, p, { read: { ...read, rows } }), () => `${P(p)}'s read finds ${this.#values(rows)}.`);
      return;
    }
    this.#answer(state, p, process, read, copy, emit);
  }

  #beginRead(state: State, p: number, process: Process, emit: Emit<State>): void {
    const { record, connection, chain, head, shown } = process;
    const rules = this.#rules;
    if (this.#scenario.ownOrder && shown < newest(state.row)) {
      const seen = newest(state.row);
      const answered = { shown: seen, head: rules.headIncludesShown ? seen : head };
      emit(withProcess(state, p, answered), () => `The database answers ${P(p)}'s read: it shows revision ${seen}.`);
    }
    const counts = record && (!rules.leaseComparedAtEachRead || this.#counts(record, p));
    if (connection === null || !counts || record.name === null) return;
    if (rules.lookupAfterConnection && !record.afterConnection) return;
    if (rules.readComparesServer && !livesAt(state, record.name, connection)) return;
    if (this.#checks && rules.markFoundInLog && chain?.name !== record.name) return;
    const { name } = record;
    const least = rules.answerReachesHead ? Math.max(rules.headIncludesRecord ? record.revision : 0, head) : 0;
    const floor = Math.max(this.#acknowledged(state, p), shown);
    const known = this.#scenario.limits.copies && rules.answerHoldsHead ? Math.max(record.revision, head) : 0;
    // where nothing has to be seen, only an answer of another history can be wrong
    if (floor === 0 && !this.#checks && this.#rules.readJoinsNoEarlier) return;
    const read = { name, head: least, known, floor, rows: null };
    emit(withProcess(state, p, { read }), () => `${P(p)} asks Redis under ${N(name)} for revision ${least} or newer.`);
  }

  #answer(state: State, p: number, process: Process, read: Read, copy: Copy | null, emit: Emit<State>): void {
    const { noAnswerWithoutMark, listComparesSizes, headIncludesShown } = this.#rules;
    const { lists, ownOrder } = this.#scenario;
    const row = this.#row(state, p);
    const mark = copy?.mark ?? (noAnswerWithoutMark ? null : { revision: newest(row), token: 0 });
    const sound = mark && (!lists || !listComparesSizes || isSound(copy));
    const met: Partial<Process> = mark && this.#checks ? this.#met(process, read.name, mark, row) : {};
    const chain = met.chain?.name === read.name ? holding(met.chain, read.known, row) : null;
    const holds = !this.#checks || !this.#rules.answerHoldsHead || !this.#rules.markFoundInLog || chain !== null;
    if (!sound || mark.revision < read.head || !holds) {
      const database = withProcess(state, p, { ...met, read: null });
      emit(database, () => `${P(p)}'s read finds ${sound ? markOf(mark) : "nothing sound"}; the database answers.`);
      return;
    }
    const rows = read.rows ?? this.#rowsOf(copy);
    const answered = withProcess(state, p, {
      ...met,
      ...(chain && { chain }),
      read: null,
      head: ownOrder && headIncludesShown ? Math.max(process.head, mark.revision) : process.head,
      shown: ownOrder ? Math.max(process.shown, mark.revision) : 0,
    });
    emit(
      answered,
      () => `${P(p)}'s read finds ${markOf(copy?.mark ?? null)} and answers ${this.#values(rows)}.`,
      this.#wrongOfAnother(state, p, read, rows, mark) ?? this.#wrong(row, read, rows, mark),
    );
  }

  #rowsOf(copy: Copy | null): readonly Token[] {
    const rows: readonly Token[] = copy?.rows ?? Array(this.#scenario.books).fill(0);
    return this.#scenario.lists ? rows.map((value, book) => (copy?.order[book] ? value : 0)) : rows;
  }

  /** The promise: the answer is what the table held at some revision that is as new as any that had to be seen. */
  #wrong(row: Row, { floor }: Read, rows: readonly Token[], mark: Mark): string | undefined {
    const { lists, books } = this.#scenario;
    if (this.#scenario.limits.copies && !knows(row, mark)) return undefined;
    const agrees = (book: number, revision: number) => valueAt(row, book, revision, books) === rows[book];
    const revisions = [...row.log.keys()].slice(floor);
    const all = [...rows.keys()];
    if (lists && revisions.some((revision) => all.every((book) => agrees(book, revision)))) return undefined;
    const wrong = all.find((book) => !revisions.some((revision) => agrees(book, revision)));
    if (!lists && wrong === undefined) return undefined;
    const held = revisions.map((revision) => this.#values(all.map((book) => valueAt(row, book, revision, books))));
    return `When the read began, revision ${floor} had to be seen; since then the table held ${[...new Set(held)].join(", or ")}.`;
  }

  /**
   * The promise beside a copy: a state of the other's history is shown for no longer than one look-up, and never in place
   * of what was acknowledged.
   */
  #wrongOfAnother(state: State, p: number, { floor }: Read, rows: readonly Token[], mark: Mark): string | undefined {
    const own = this.#row(state, p);
    if (!this.#scenario.limits.copies || !state.copy || knows(own, mark)) return undefined;
    const common = parting(state.row, state.copy);
    if (floor > common) {
      return `When the read began, revision ${floor} had to be seen; this is another history, which has none after ${common}.`;
    }
    if (at(state.processes, p).foreign === "told") {
      return `This is another history, ${this.#values(rows)}, and a look-up that began when it was met has been answered.`;
    }
    return undefined;
  }

  // the check of a name

  #check(state: State, p: number, process: Process, emit: Emit<State>): void {
    if (!this.#checks) return;
    const { connection, chain, checking } = process;
    const row = this.#row(state, p);
    const { name } = row;
    if (checking) {
      const { mark } = checking;
      const found = this.#finds(row, mark);
      const trusted: Chain = {
        name: checking.name,
        verified: this.#scenario.limits.copies ? mark.revision : 0,
        seen: [],
      };
      emit(
        withProcess(state, p, { checking: null, chain: found ? trusted : chain }),
        () => `${P(p)} looks for ${markOf(mark)} in the log and ${found ? "finds it" : "does not find it"}.`,
      );
      if (!this.#rules.failedCheckSaysNothing) {
        emit(
          withProcess(state, p, { checking: null, chain: trusted }),
          () => `${P(p)} looks for ${markOf(mark)} in the log; the query fails.`,
        );
      }
      return;
    }
    if (connection === null || name === null || chain?.name === name || !livesAt(state, name, connection)) return;
    const mark = at(state.servers, connection).copies[name]?.mark;
    if (mark) {
      emit(
        withProcess(state, p, { checking: { name, mark } }),
        () => `${P(p)} reads ${markOf(mark)} under ${N(name)}.`,
      );
    }
  }

  // rebuilds

  #rebuild(state: State, p: number, process: Process, emit: Emit<State>): void {
    if (!this.#role(p).rebuilds) return;
    const { rebuild, connection, portion } = process;
    if (portion) this.#loadLatePortion(state, p, portion, emit);
    if (!rebuild) {
      if (connection !== null) this.#beginRebuild(state, p, connection, emit);
      return;
    }
    const complete = rebuild.copied > this.#scenario.books;
    if (!complete) this.#copyPortion(state, p, rebuild, emit);
    if (!rebuild.inForce && (complete || !this.#rules.rebuildCompleteBeforeInForce)) {
      this.#putInForce(state, p, rebuild, complete, emit);
    }
  }

  #beginRebuild(state: State, p: number, server: number, emit: Emit<State>): void {
    const { world, servers } = state;
    const row = this.#row(state, p);
    const { run, readOnly, copies } = at(servers, server);
    const left = spend(world.left, "rebuilds");
    if (!left || readOnly) return;
    const live = !this.#rules.rebuildUnderNewName;
    if (live && (row.name === null || !livesAt(state, row.name, server))) return;
    const name = live ? (row.name as Name) : world.names.length;
    const names = live ? world.names : [...world.names, run];
    const begun = { current: row.name, name, server, revision: newest(row), copied: 0, inForce: live };
    emit(
      { ...withProcess(state, p, { rebuild: begun }), world: { ...world, names, left } },
      () =>
        `${P(p)} begins to rebuild in place of ${N(row.name)}: snapshot of revision ${begun.revision}, for ${N(name)}.`,
    );
    if (this.#rules.nameNeverComesBack) return;
    for (const [earlier, copy] of copies.entries()) {
      if (copy?.mark && earlier !== row.name && livesAt(state, earlier, server)) {
        emit(
          { ...this.#withRow(state, p, { ...row, name: earlier }), world: { ...world, left } },
          () => `${P(p)} finds ${N(earlier)} at ${markOf(copy.mark)} and puts it in force again.`,
        );
      }
    }
  }

  /** The first portion has the first book, and so on; what comes after the last book is the check and the mark. */
  #copyPortion(state: State, p: number, rebuild: Rebuild, emit: Emit<State>): void {
    const { books } = this.#scenario;
    const { rebuildEndsWithUnknownOutcome, rebuildWritesMarkLast, rebuildFromOneSnapshot } = this.#rules;
    const { name, server: s, copied: book, revision } = rebuild;
    const server = at(state.servers, s);
    if (book === books) {
      this.#completeCopy(state, p, rebuild, emit);
      return;
    }
    const row = this.#row(state, p);
    const value = valueAt(row, book, revision, books);
    const mark = rebuildFromOneSnapshot && !rebuildWritesMarkLast && book === 0 ? markAt(row, revision) : undefined;
    const copy = load(server.copies[name] ?? null, book, value, mark, books);
    const servers = state.servers.with(s, { ...server, copies: server.copies.with(name, copy) });
    const next = { ...state, servers };
    const what = value === 0 ? `no ${B(book)}` : `${B(book)} = ${V(value)}`;
    const copies = `${P(p)} copies ${what}${mark ? ` and ${markOf(mark)}` : ""} to ${N(name)}`;
    const continued = { ...rebuild, copied: book + 1 };
    emit(withProcess(next, p, { rebuild: continued }), () => `${copies}.`);
    if (!rebuildEndsWithUnknownOutcome) {
      emit(
        withProcess(next, p, { rebuild: continued, portion: { server: s, name, book, value } }),
        () => `${copies}: with no reply over one connection, it does so over another.`,
      );
    }
  }

  #completeCopy(state: State, p: number, rebuild: Rebuild, emit: Emit<State>): void {
    const { books } = this.#scenario;
    const { rebuildCountsRows, rebuildWritesMarkLast, rebuildFromOneSnapshot } = this.#rules;
    const { name, server: s, revision } = rebuild;
    const server = at(state.servers, s);
    const copy = server.copies[name] ?? null;
    const row = this.#row(state, p);
    const size = Array.from({ length: books }, (_, book) => valueAt(row, book, revision, books)).filter(Boolean).length;
    const full = rowCount(copy) === size && orderCount(copy) === size;
    if ((rebuildCountsRows && !full) || (!rebuildWritesMarkLast && !copy?.mark)) {
      emit(
        withProcess(state, p, { rebuild: null }),
        () => `${P(p)} finds its copy ${N(name)} incomplete and gives it up.`,
      );
      return;
    }
    const mark = markAt(row, rebuildFromOneSnapshot ? revision : newest(row));
    const marked = rebuildWritesMarkLast ? { ...(copy ?? emptyCopy(books)), mark } : copy;
    const servers = state.servers.with(s, { ...server, copies: server.copies.with(name, marked) });
    emit(
      withProcess({ ...state, servers }, p, { rebuild: rebuild.inForce ? null : { ...rebuild, copied: books + 1 } }),
      () => `${P(p)} completes ${N(name)} with ${markOf(marked?.mark ?? null)}.`,
    );
  }

  #putInForce(state: State, p: number, rebuild: Rebuild, complete: boolean, emit: Emit<State>): void {
    const row = this.#row(state, p);
    const { name, current, server: s } = rebuild;
    if (row.name === current || !this.#rules.rebuildByCompareAndSet) {
      emit(
        this.#withRow(withProcess(state, p, { rebuild: complete ? null : { ...rebuild, inForce: true } }), p, {
          ...row,
          name,
        }),
        () => `${P(p)} puts ${N(name)} in force in place of ${N(row.name)}.`,
      );
      return;
    }
    const server = at(state.servers, s);
    const servers = state.servers.with(s, { ...server, copies: server.copies.with(name, null) });
    emit(
      withProcess({ ...state, servers }, p, { rebuild: null }),
      () => `${P(p)} finds ${N(row.name)} in force and removes its own ${N(name)}.`,
    );
  }

  #loadLatePortion(state: State, p: number, portion: Portion, emit: Emit<State>): void {
    const { server: s, name, book, value } = portion;
    const server = at(state.servers, s);
    const copy = load(server.copies[name] ?? null, book, value, undefined, this.#scenario.books);
    const servers = state.servers.with(s, { ...server, copies: server.copies.with(name, copy) });
    emit(
      withProcess({ ...state, servers }, p, { portion: null }),
      () => `The portion that had no reply arrives: ${B(book)} = ${V(value)} in ${N(name)}.`,
    );
  }

  // what happens to all of them

  #crash(state: State, p: number, process: Process, emit: Emit<State>): void {
    const left = spend(state.world.left, "crashes");
    if (!left) return;
    const { commandsLeft, portion } = process;
    const changes = unawaited(process.changes);
    emit(
      {
        ...withProcess(state, p, { ...this.#started(this.#role(p)), commandsLeft, changes, portion }),
        world: { ...state.world, left },
      },
      () => `${P(p)} crashes and is started again.`,
    );
  }

  #disturb(state: State, s: number, server: Server, emit: Emit<State>): void {
    const { world, servers } = state;
    const { left } = world;
    const name = () => this.#server(s, server);
    const change = (spent: Limits | undefined, changed: Partial<Server>, says: () => string) => {
      if (!spent) return;
      emit({ ...state, servers: servers.with(s, { ...server, ...changed }), world: { ...world, left: spent } }, says);
    };
    const empty: DataSet = server.copies.map(() => null);
    const older = at(this.initial.servers, s).copies;

    change(spend(left, "flushes"), { copies: empty }, () => `${name()} is flushed.`);
    const evicted = spend(left, "evictions");
    for (const [n, copy] of evicted ? server.copies.entries() : []) {
      if (!copy) continue;
      const rows = { ...emptyCopy(this.#scenario.books), order: copy.order };
      change(evicted, { copies: server.copies.with(n, rows) }, () => `${name()} evicts the rows and mark of ${N(n)}.`);
      const order = { ...copy, order: copy.order.map(() => false) };
      change(evicted, { copies: server.copies.with(n, order) }, () => `${name()} evicts the order of ${N(n)}.`);
    }
    if (server.readOnly) {
      change(left, { copies: older }, () => `${name()} takes over the older data of its master.`);
    }

    const restarted = spend(left, "restarts");
    if (restarted) {
      const run = world.runs;
      for (const copies of [empty, older]) {
        const next = this.#cutOff(state, s, { ...server, run, copies });
        emit(
          { ...next, world: { ...world, runs: run + 1, left: restarted } },
          () => `${name()} restarts as run ${run}, ${copies === empty ? "empty" : "with older data"}.`,
        );
      }
    }
    const demoted = server.readOnly ? undefined : spend(left, "demotions");
    if (demoted) {
      emit(
        { ...this.#cutOff(state, s, { ...server, readOnly: true }), world: { ...world, left: demoted } },
        () => `${name()} becomes a replica and closes its connections.`,
      );
    }
  }

  /** All connections to a server end, and with them what was on its way and the rebuilds over a connection of their own. */
  #cutOff(state: State, s: number, server: Server): State {
    const processes = state.processes.map((process) => {
      const cut = process.connection === s ? this.#disconnected(process) : process;
      return {
        ...cut,
        changes: cut.changes.filter((changes) => changes.server !== s),
        rebuild: cut.rebuild?.server === s ? null : cut.rebuild,
        portion: cut.portion?.server === s ? null : cut.portion,
      };
    });
    return { ...state, servers: state.servers.with(s, server), processes };
  }

  #operate(state: State, emit: Emit<State>): void {
    const { row, world } = state;
    const { left } = world;
    const raised = spend(left, "raises");
    if (raised) {
      const lease = row.lease + 1;
      const next = { ...state, row: { ...row, lease }, world: { ...world, left: raised } };
      emit(next, () => `P2, which is configured so, raises the lease to ${lease} ticks.`);
    }
    if (!this.#rules.leaseOnlyRaised && row.lease > this.#scenario.lease) {
      const next = { ...state, row: { ...row, lease: this.#scenario.lease } };
      emit(next, () => `The lease is lowered to ${this.#scenario.lease} tick(s).`);
    }
    if (!this.#rules.nameNeverNullAgain && row.name !== null) {
      emit(
        { ...state, row: { ...row, name: null } },
        () => `The name is set back to null, in place of ${N(row.name)}.`,
      );
    }
    this.#restore(state, emit);
    this.#trim(state, emit);
    const copied = state.copy ? undefined : spend(left, "copies");
    if (copied) {
      const [acknowledged] = world.acknowledged;
      emit(
        { ...state, copy: row, world: { ...world, acknowledged: [acknowledged, acknowledged], left: copied } },
        () => `The database is copied at revision ${newest(row)}, and the copy taken into use.`,
      );
    }
  }

  /** Days pass for the older part of a log, all of it or not. */
  #trim(state: State, emit: Emit<State>): void {
    const { row, copy, world } = state;
    const left = spend(world.left, "trims");
    if (!left) return;
    for (const [what, own] of [
      ["row", row],
      ["copy", copy],
    ] as const) {
      for (let trimmed = (own?.trimmed ?? 0) + 1; own && trimmed <= newest(own); trimmed++) {
        emit(
          { ...state, [what]: { ...own, trimmed }, world: { ...world, left } },
          () => `The log${what === "copy" ? " of the copy" : ""} is trimmed up to revision ${trimmed}.`,
        );
      }
    }
  }

  /** The database is put back while no process runs; what the processes had sent has arrived or is lost by then. */
  #restore(state: State, emit: Emit<State>): void {
    const { world } = state;
    const left = spend(world.left, "restores");
    if (!left) return;
    const processes = state.processes.map(({ commandsLeft }, p) => ({ ...this.#started(this.#role(p)), commandsLeft }));
    const restored = { ...state, processes, world: { ...world, left, acknowledged: [0, 0] as const } };
    emit(
      { ...restored, row: this.initial.row },
      () => "All processes stop, the database is restored from a backup of revision 0, and they start again.",
    );
    emit(
      {
        ...restored,
        row: { ...this.initial.row, log: [world.tokens], name: null },
        world: { ...restored.world, tokens: world.tokens + 1 },
      },
      () => "All processes stop, the database is deleted and made anew, and they start again.",
    );
  }

  // how a trace says it

  #server(s: number, { run }: Server): string {
    return this.#scenario.servers === 1 ? "Redis" : `Redis ${"AB"[s]} (run ${run})`;
  }

  #values(rows: readonly Token[]): string {
    return rows.map((value, book) => `${B(book)} = ${V(value)}`).join(", ");
  }
}

/** Stands for the copy of the database while there is none. */
const NO_COPY = { log: [], trimmed: 0, name: null, lease: 0 };

function verified(chain: Chain | null, revision: number): Chain | null {
  if (!chain || revision <= chain.verified) return chain;
  return { ...chain, verified: revision, seen: chain.seen.filter((mark) => mark.revision > revision) };
}

/** The chain if it holds everything up to the revision `known` of the history in `row`; else nothing. */
function holding(chain: Chain, known: number, row: Row): Chain | null {
  if (known <= chain.verified) return chain;
  return chain.seen.some((mark) => sameMark(mark, markAt(row, known))) ? verified(chain, known) : null;
}

const P = (p: number) => `P${p + 1}`;
const N = (name: Name | null) => (name === null ? "no name" : `N${name + 1}`);
const B = (book: number) => ["x", "y"][book];
const V = (value: Token) => (value === 0 ? "none" : letter(value));
const letter = (token: Token) => String.fromCharCode(97 + token);
const markOf = (mark: Mark | null) => (mark ? `the mark ${mark.revision}:${letter(mark.token)}` : "no mark");
