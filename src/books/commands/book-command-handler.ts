import type { Change, Outcome } from "../../cqrs/change.ts";
import type { CommandQueue } from "../../cqrs/commands/command-queue.ts";
import type { Command } from "../../cqrs/commands/stream-writer.ts";
import type { Consistency } from "../../cqrs/consistency.ts";
import { HandlerKey } from "../../cqrs/handlers.ts";
import type { Book } from "../book.ts";
import { bookStream } from "../book-stream.ts";
import { addBook, deleteBook, newBook, updateBook } from "./book-commands.ts";

/**
 * The write side. Each command is committed through the stream, in one transaction with those that came at the same
 * time; then the read model is refreshed, and the command is acknowledged when no process can answer with an older
 * state any more.
 *
 * Every method throws the refusals of `book-refusals.ts`, the errors of `OrmService.transaction`, and
 * `TIMED_OUT` when the request has ended before the command began.
 */
export class BookCommandHandler {
  readonly #queue: CommandQueue<Book>;

  constructor(queue: CommandQueue<Book>) {
    this.#queue = queue;
  }

  /** Adds a book and returns it. */
  async addBook(input: unknown, consistency: Consistency): Promise<Book> {
    const { after } = await this.#execute(() => addBook(newBook(input)), consistency);
    return after as Book;
  }

  /** Updates the book with this title and returns it as it now is. */
  async updateBook(title: string, input: unknown, consistency: Consistency): Promise<Book> {
    const { after } = await this.#execute(() => updateBook(title, input), consistency);
    return after as Book;
  }

  /** Deletes the book with this title and returns it as it last was. */
  async deleteBook(title: string, expectedVersion: number | null | undefined, consistency: Consistency): Promise<Book> {
    const { before } = await this.#execute(() => deleteBook(title, expectedVersion), consistency);
    return before as Book;
  }

  /**
   * Runs many commands in one transaction, each of which may be refused by itself, and acknowledges them together.
   * What one throws that is no refusal is thrown when the others are acknowledged.
   */
  async executeAll(commands: readonly Command<Book>[]): Promise<readonly Outcome<Book>[]> {
    const outcomes = await this.#queue.executeAll(commands);
    for (const { failure } of outcomes) if (failure) throw failure;
    return outcomes;
  }

  async #execute(prepare: () => Command<Book>, consistency: Consistency): Promise<Change<Book>> {
    consistency.requireTime();
    const { change, refusal, failure, revision } = await this.#queue.execute((tx, next) => {
      consistency.requireTime();
      // the state that the command builds on is what the client asks for, not the one that it makes
      consistency.require(bookStream.name, next - 1);
      // in the transaction, for a refusal of invalid input is an answer as well: it is true at a revision, and no
      // later answer of this process may be older
      const command = prepare();
      // the last moment at which it is certain that nothing was changed
      consistency.beginCommand();
      return command(tx, next);
    });
    if (failure) throw failure;
    consistency.command(bookStream.name, revision);
    if (refusal) throw refusal;
    return change;
  }
}

/** Where resolvers find it. */
export const bookCommands = new HandlerKey<BookCommandHandler>("BookCommandHandler");
