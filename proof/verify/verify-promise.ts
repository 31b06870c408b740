import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { History } from "../history/history.ts";
import { Unverifiable } from "./refusal.ts";
import { verify } from "./run.ts";
import { verdictOf } from "./verdict.ts";

const USAGE = `npm run verify-promise -- URL... [options]

Writes and reads books through one or more GraphQL addresses of a running service, as it is deployed, and holds every
answer against the promise: an acknowledged write is never followed by an older read. Proxies, caches, poolers and
failovers on the way are put to the test with it. The books have titles, ISBNs and keys of their own, which begin with a
word that no other has; it looks that there are none first, and deletes them in the end, also when it is interrupted.
Their changes stay in the change log, and whoever lists the catalogue meanwhile may see them.

  --minutes N        how long (1; at most 60)
  --rate N           requests a second, of everything together (50; at most 1000); less when the service asks for patience
  --clients N        concurrent clients (8; at most 100)
  --lease MS         READ_LEASE_MS of the service; what was shown and never acknowledged may be missing elsewhere for so
                     long (60000, the most there is: nobody is accused falsely)
  --token-file FILE  a bearer token that may write (or VERIFY_TOKEN)
  --seed N           of what is asked for (the time)
  --help             shows this text

Exit code: 0 when it was kept, 1 when it was broken, with the evidence, 2 when it cannot be said or books are left.`;

const [MOST_MINUTES, MOST_RATE, MOST_CLIENTS, MOST_LEASE_MS] = [60, 1000, 100, 60_000];

/** What the titles of its books begin with, once there are some. */
let word: string | undefined;

process.exitCode = await main().catch((error: Error) => {
  const lines = error instanceof Unverifiable ? error.lines : [error.message];
  for (const line of lines) console.error(line);
  return 2;
});
// what was interrupted may still wait for something
process.exit();

async function main(): Promise<number> {
  process.removeAllListeners("warning");
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      minutes: { type: "string", default: "1" },
      rate: { type: "string", default: "50" },
      clients: { type: "string", default: "8" },
      lease: { type: "string", default: `${MOST_LEASE_MS}` },
      "token-file": { type: "string" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const faults: string[] = [];
  const number = (name: "minutes" | "rate" | "clients" | "lease" | "seed", least: number, most: number) => {
    const value = Number(values[name]);
    if (values[name] === "" || !(value >= least && value <= most))
      faults.push(`--${name} must be from ${least} to ${most}`);
    return value;
  };
  const options = {
    urls: positionals,
    ms: number("minutes", 0.01, MOST_MINUTES) * 60_000,
    rate: number("rate", 0.5, MOST_RATE),
    clients: Math.round(number("clients", 1, MOST_CLIENTS)),
    leaseMs: number("lease", 20, MOST_LEASE_MS),
    seed: number("seed", 0, Number.MAX_SAFE_INTEGER),
  };
  if (positionals.length === 0) faults.push("give the GraphQL address of the service, or several (--help says more)");
  for (const url of positionals) {
    if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) faults.push(`${url} is no http or https address`);
    else if (URL.parse(url)?.username || URL.parse(url)?.password)
      faults.push("addresses must have no user or password: give a token");
  }
  if (new Set(positionals).size < positionals.length) faults.push("an address is given twice");
  if (faults.length > 0) throw new Unverifiable(faults);
  const token = tokenOf(values["token-file"]);
  const { exitCode, text } = verdictOf(await verify({ ...options, token, signal: interruption() }, onlookers()));
  console.log(text);
  return exitCode;
}

function tokenOf(file: string | undefined): string | undefined {
  let token = process.env.VERIFY_TOKEN;
  if (file !== undefined) {
    try {
      token = readFileSync(file, "utf8");
    } catch (error) {
      throw new Unverifiable([`--token-file: ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`]);
    }
  }
  token = token?.trim();
  if (token === undefined || (token === "" && file === undefined)) return undefined;
  if (!/^[\x21-\x7e]+$/.test(token)) throw new Unverifiable(["the token must be one line of printable characters"]);
  return token;
}

/** Aborted by the first signal; the second one ends the program at once. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => {
      if (controller.signal.aborted) {
        if (word) console.error(`ended at once: look for books whose titles begin with ${word}, and delete them`);
        process.exit(2);
      }
      console.error("ending: what was written is deleted first");
      controller.abort();
    });
  }
  return controller.signal;
}

/** One line, that a terminal overwrites each second; elsewhere one in half a minute. */
function onlookers() {
  let lines = 0;
  return {
    onStart: (own: string) => {
      word = own;
      console.error(`the titles of its books begin with ${own}`);
    },
    onProgress: ({ now, nextId, evidence }: History) => {
      const line = `${(now / 1000).toFixed(0)} s, ${nextId} requests, ${evidence.count} contradictions`;
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
      else if (lines++ % 30 === 29) console.error(line);
    },
  };
}
