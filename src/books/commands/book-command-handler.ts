import type { Effect } from "../../cqrs/change.ts";
import type { CommandQueue, Executed } from "../../cqrs/commands/command-queue.ts";
import type { Consistency } from "../../cqrs/consistency.ts";
import { Refusal } from "../../cqrs/errors.ts";
import { HandlerKey } from "../../cqrs/handlers.ts";
import type { SentKey } from "../../cqrs/repeats.ts";
import type { Book } from "../book.ts";
import type { Sought } from "../book-keys.ts";
import type { BookCommand, BookRefused } from "./book-command.ts";
import { addBook, adjustStock, deleteBook, updateBook } from "./book-commands.ts";
import { refusalOf } from "./book-refusals.ts";

/**
 * The write side. Each command is decided and committed through the stream, in one transaction with those that came at the
 * same time; then the read model is refreshed, and the command is acknowledged when no process can answer with an older
 * state any more.
 *
 * A command with a `once` is done once, however often it is asked for: its answer is then the book as it was left the
 * first time. Every method throws the refusals of `book-refusals.ts` and the errors of `CommandQueue.execute`.
 */
export class BookCommandHandler {
  readonly #queue: CommandQueue<Book, BookCommand, BookRefused>;

  constructor(queue: CommandQueue<Book, BookCommand, BookRefused>) {
    this.#queue = queue;
  }

  /** Adds a book and returns it. */
  async addBook(input: unknown, consistency: Consistency, once?: SentKey): Promise<Book> {
    const { after } = await this.#execute(() => addBook(input), consistency, once);
    return after as Book;
  }

  /** Updates a book and returns it as it now is. */
  async updateBook(sought: Sought, input: unknown, consistency: Consistency, once?: SentKey): Promise<Book> {
    const { after } = await this.#execute(() => updateBook(sought, input), consistency, once);
    return after as Book;
  }

  /** Adds `by`, which may be less than 0, to what is in stock of a book, and returns it as it now is. */
  async adjustStock(sought: Sought, by: number, consistency: Consistency, once?: SentKey): Promise<Book> {
    const { after } = await this.#execute(() => adjustStock(sought, by), consistency, once);
    return after as Book;
  }

  /** Deletes a book and returns it as it last was. */
  async deleteBook(
    sought: Sought,
    expectedVersion: number | null | undefined,
    consistency: Consistency,
    once?: SentKey,
  ): Promise<Book> {
    const { before } = await this.#execute(() => deleteBook(sought, expectedVersion), consistency, once);
    return before as Book;
  }

  /** Runs many commands in one transaction, each of which may be refused by itself, and acknowledges them together. */
  async executeAll(commands: readonly BookCommand[]): Promise<readonly Executed<Book, BookRefused>[]> {
    return this.#queue.executeAll(commands);
  }

  async #execute(prepare: () => BookCommand, consistency: Consistency, once?: SentKey): Promise<Effect<Book>> {
    let command: BookCommand = { kind: "invalid" };
    let invalid: Refusal | undefined;
    try {
      command = prepare();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      invalid = error;
    }
    // a refusal of invalid input is an answer as well: it is true at a revision, and no later answer may be older
    const { change, refused } = await this.#queue.execute(command, consistency, invalid ? undefined : once);
    if (change) return change;
    throw invalid ?? refusalOf(refused);
  }
}

/** Where resolvers find it. */
export const bookCommands = new HandlerKey<BookCommandHandler>("BookCommandHandler");
