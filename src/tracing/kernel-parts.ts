import { type Attributes, SpanKind } from "@opentelemetry/api";
import { traces } from "../cqrs/tracing.ts";
import { faultIn } from "./faults.ts";
import { Following } from "./following.ts";
import type { Part, Tracing } from "./tracing.ts";

/** A look-up that takes longer is worth to be seen: there are twenty in a second. Milliseconds. */
const SLOW_LOOK_UP_MS = 50;

/** When a store was asked for what some were waiting for, and how many. */
interface Asked {
  readonly store: string;
  readonly keys: number;
  readonly startTime: number;
  readonly endTime: number;
}

/**
 * Follows what the kernel does for requests that are followed, and what it does by itself.
 *
 * @returns what ends that
 */
export function followKernel(tracing: Tracing): () => void {
  const following = new Following(tracing);
  followReads(following, tracing);
  followCommands(following, tracing);
  followUpkeep(following, tracing);
  return () => following.end();
}

function followReads(following: Following, tracing: Tracing): void {
  const asked = new WeakMap<object, Asked>();
  // whose it is that is asked for together is known only when each has his answer
  following.listen(traces.points, ({ store, keys, result = [] }, startTime, endTime) => {
    for (const answer of result as object[]) asked.set(answer, { store, keys, startTime, endTime });
  });
  following.follow(
    traces.read,
    ({ stream, isReplay }) => within(tracing, "read", stream, { "catalogue.replay": isReplay }),
    ({ fallback, servedBy, revision, answer }, part) => {
      const together = answer && asked.get(answer);
      if (together) addAsked(tracing, part, together);
      return {
        ...(fallback && { "catalogue.fallback": fallback }),
        ...(servedBy && { "catalogue.served_by": servedBy }),
        ...(revision !== undefined && { "catalogue.revision": revision }),
      };
    },
  );
}

/** A part of its own in each read that shares it: a trace has all that its request waited for, and says with how many. */
function addAsked(tracing: Tracing, within: Part, { store, keys, startTime, endTime }: Asked): void {
  const attributes = { "db.operation.batch.size": keys };
  tracing.begin(`ask ${store}`, { within, attributes, startTime, kind: SpanKind.CLIENT }).end({}, undefined, endTime);
}

function followCommands(following: Following, tracing: Tracing): void {
  const commits = new WeakMap<object, Part>();
  following.follow(
    traces.command,
    ({ stream, kind }) => within(tracing, "command", stream, { "catalogue.command": kind }),
    ({ revision, outcome }) => ({
      ...(outcome && { "catalogue.outcome": outcome }),
      ...(revision !== undefined && { "catalogue.revision": revision }),
    }),
  );
  // a transaction is no one's: it is for all commands that it has, and they name each other
  following.follow(
    traces.commit,
    ({ stream, commands, size }) => {
      const links = commands.flatMap((command) => following.partOf(command) ?? []);
      if (links.length === 0) return undefined;
      const attributes = { "catalogue.stream": stream, "catalogue.commands": size };
      const part = tracing.begin(`commit ${stream}`, { links, attributes, kind: SpanKind.CLIENT });
      for (const command of links) command.link(part);
      return part;
    },
    ({ result }, part) => {
      if (result) commits.set(result, part);
      return {};
    },
  );
  following.follow(
    traces.refresh,
    ({ stream, changes, commit }) => {
      const of = commits.get(commit);
      const attributes = { "catalogue.stream": stream, "catalogue.changes": changes };
      return of && tracing.begin(`refresh ${stream}`, { within: of, attributes });
    },
    ({ isConfirmed = false }) => ({ "catalogue.refreshed": isConfirmed }),
  );
}

function followUpkeep(following: Following, tracing: Tracing): void {
  following.listen(traces.lookUp, ({ stream, error }, startTime, endTime) => {
    if (error === undefined && endTime - startTime < SLOW_LOOK_UP_MS) return;
    const part = tracing.begin(`look up ${stream}`, { startTime, attributes: { "catalogue.stream": stream } });
    part.end({}, error === undefined ? undefined : faultIn(error), endTime);
  });
  following.follow(traces.catchUp, ({ stream, revision }) =>
    tracing.begin(`catch up ${stream}`, {
      // of the commit that found it behind, if it was one
      within: tracing.current,
      attributes: { "catalogue.stream": stream, "catalogue.revision": revision },
    }),
  );
  following.follow(
    traces.rebuild,
    ({ stream }) => tracing.begin(`rebuild ${stream}`, { attributes: { "catalogue.stream": stream } }),
    ({ isInForce = false }) => ({ "catalogue.in_force": isInForce }),
  );
}

/** A part of what goes on around; none, if nothing does that is followed. */
function within(tracing: Tracing, what: string, stream: string, attributes: Attributes): Part | undefined {
  const { current } = tracing;
  return (
    current &&
    tracing.begin(`${what} ${stream}`, { within: current, attributes: { "catalogue.stream": stream, ...attributes } })
  );
}
