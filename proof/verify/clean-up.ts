import { setTimeout as sleep } from "node:timers/promises";
import { perform } from "../clients/client.ts";
import type { Random } from "../clients/random.ts";
import type { History } from "../history/history.ts";
import { isMutation } from "../history/operation.ts";
import type { Door } from "./door.ts";
import type { Introduction } from "./introduction.ts";

/** How often it looks again: what was sent and not answered may be done late, and what is deleted may not be. */
const ROUNDS = 6;
const BETWEEN_MS = 500;

/** Deletes what the clients have written. */
export class CleanUp {
  readonly #history: History;
  readonly #doors: readonly Door[];
  readonly #introduction: Introduction;
  readonly #random: Random;
  /** Whether anything may have been written of which it is not known. */
  #hasUnknown = false;

  constructor(history: History, doors: readonly Door[], introduction: Introduction, random: Random) {
    this.#history = history;
    this.#doors = doors;
    this.#introduction = introduction;
    this.#random = random;
    history.onCompletion(({ request, outcome }) => {
      if (isMutation(request) && outcome?.kind === "failed" && !outcome.definite) this.#hasUnknown = true;
    });
  }

  /** Returns the titles that are left, or why it is not known which. */
  async run(): Promise<readonly string[] | string> {
    let left: readonly string[] | string = [];
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 0) await sleep(BETWEEN_MS);
      left = await this.#introduction.left().then(
        (titles) => this.#delete(titles),
        (error: Error) => error.message,
      );
      // whoever has not answered may still do what was asked for
      if (left.length === 0 && (!this.#hasUnknown || round > 1)) break;
    }
    return left;
  }

  /** Returns those of which no answer says that they are gone. What lists them may be older than that. */
  async #delete(titles: readonly string[]): Promise<readonly string[]> {
    const left: string[] = [];
    for (const title of titles) {
      const door = this.#random.pick(this.#doors);
      const { outcome } = await perform(this.#history, "cleaner", door, { kind: "delete", title });
      const isAbsent = outcome?.kind === "refused" && outcome.refusal.type === "BookNotFoundError";
      if (outcome?.kind !== "acknowledged" && !isAbsent) left.push(title);
    }
    return left;
  }
}
