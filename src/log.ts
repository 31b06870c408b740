import { fstatSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type Logger, pino } from "pino";

const STDERR = 2;
/** What may wait here for a pipe that is not read; lines beyond it are dropped. */
const MAX_WAITING_BYTES = 1_000_000;
/** How long the end of the process waits for what is waiting here, in milliseconds. */
const FLUSH_MS = 500;

/**
 * Standard error as a place for the log, be it full, slow or gone: no line is waited for; what cannot be written is
 * dropped and counted, and the count is told when there is room again.
 */
class LogSink {
  /** A file takes a line or refuses it at once, and Node's stream would not say how much of it was taken. */
  readonly #isFile = isFile();
  readonly #notices = pino({ base: null }, { write: (line) => this.#tell(line) });
  #dropped = 0;
  /** Whether the file ends in the middle of a line. */
  #torn = false;

  constructor() {
    process.stderr.on("error", () => this.#dropped++).on("drain", () => this.#catchUp());
  }

  write(line: string): void {
    this.#catchUp();
    if (this.#dropped > 0 || !this.#put(line)) this.#dropped++;
  }

  /** Waits until what is waiting is written, but not for long. */
  async flush(): Promise<void> {
    if (this.#isFile || process.stderr.writableLength === 0) return;
    const written = new Promise((resolve) => process.stderr.write("", resolve));
    await Promise.race([written, sleep(FLUSH_MS)]);
  }

  #catchUp(): void {
    if (this.#dropped === 0 || process.stderr.writableLength > MAX_WAITING_BYTES / 2) return;
    this.#notices.warn({ lines: this.#dropped }, "lines of the log were lost, because they could not be written");
  }

  #tell(notice: string): void {
    if (this.#put(notice)) this.#dropped = 0;
  }

  /** @returns whether the line is written, or will be */
  #put(line: string): boolean {
    if (this.#isFile) return this.#append(line);
    if (process.stderr.writableLength > MAX_WAITING_BYTES) return false;
    process.stderr.write(line);
    return true;
  }

  #append(line: string): boolean {
    const bytes = Buffer.from(this.#torn ? `\n${line}` : line);
    try {
      const written = writeSync(STDERR, bytes);
      if (written > 0) this.#torn = written < bytes.length;
      return written === bytes.length;
    } catch {
      return false;
    }
  }
}

function isFile(): boolean {
  // as /dev/null and /dev/full; a terminal is a stream
  const status = fstatSync(STDERR);
  return status.isFile() || (status.isCharacterDevice() && !process.stderr.isTTY);
}

let sink: LogSink | undefined;

/** Standard output is for the ready line alone. */
export function createLog(level: string): Logger {
  sink ??= new LogSink();
  return pino({ level }, sink);
}

/** For the end of the process. */
export async function flushLog(): Promise<void> {
  await sink?.flush();
}
