import type { Consistency } from "../../cqrs/consistency.ts";
import { Refusal } from "../../cqrs/errors.ts";
import type { Change, Command, Outcome, Stream } from "../../cqrs/stream.ts";
import type { Book } from "../book.ts";
import type { BookReadModel } from "../queries/book-read-model.ts";
import { addBook, deleteBook, updateBook } from "./book-commands.ts";

/**
 * The write side. Each command is one transaction through `OrmService`; then the read model is refreshed, and the
 * command is acknowledged when no process can answer with an older state any more.
 *
 * Every method throws the refusals of `book-refusals.ts`, and the errors of `OrmService.transaction`.
 */
export class BookCommandHandler {
  readonly #stream: Stream<Book>;
  readonly #readModel: BookReadModel;

  constructor(stream: Stream<Book>, readModel: BookReadModel) {
    this.#stream = stream;
    this.#readModel = readModel;
  }

  /** Adds a book and returns it. */
  async addBook(input: unknown, consistency: Consistency): Promise<Book> {
    const { after } = await this.#execute(() => addBook(input), consistency);
    return after as Book;
  }

  /** Updates the book with this title and returns it as it now is. */
  async updateBook(title: string, input: unknown, consistency: Consistency): Promise<Book> {
    const { after } = await this.#execute(() => updateBook(title, input), consistency);
    return after as Book;
  }

  /** Deletes the book with this title and returns it as it last was. */
  async deleteBook(
    title: string,
    expectedVersion: number | null | undefined,
    consistency: Consistency,
  ): Promise<Book> {
    const { before } = await this.#execute(() => deleteBook(title, expectedVersion), consistency);
    return before as Book;
  }

  /** Runs many commands in one transaction, each of which may be refused by itself, and acknowledges them together. */
  async executeAll(commands: readonly Command<Book>[]): Promise<readonly Outcome<Book>[]> {
    const commit = await this.#stream.commit(commands);
    await this.#readModel.refresh(commit);
    return commit.outcomes;
  }

  async #execute(prepare: () => Command<Book>, consistency: Consistency): Promise<Change<Book>> {
    const outcome = await this.#outcome(prepare, (revision) => consistency.require(revision));
    const { change, refusal } = outcome;
    if (change) {
      consistency.command(change.revision);
      return change;
    }
    consistency.require(outcome.revision);
    consistency.command(outcome.revision);
    throw refusal;
  }

  async #outcome(prepare: () => Command<Book>, require: (revision: number) => void): Promise<Outcome<Book>> {
    let command: Command<Book>;
    try {
      command = prepare();
    } catch (error) {
      // invalid input needs no transaction, but its answer too is true at a revision
      if (error instanceof Refusal) return { refusal: error, revision: (await this.#stream.row()).revision };
      throw error;
    }
    const [outcome] = await this.executeAll([
      (tx, revision) => {
        require(revision);
        return command(tx, revision);
      },
    ]);
    return outcome as Outcome<Book>;
  }
}
