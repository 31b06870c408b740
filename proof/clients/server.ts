import type { Branch } from "../history/branch.ts";
import type { Operation } from "../history/operation.ts";
import type { Namespace } from "./namespace.ts";

/** A GraphQL request as it is sent. */
export interface Document {
  readonly query: string;
  readonly variables: object;
  readonly extensions?: object | undefined;
}

/** Those that serve one database. */
export interface Service {
  /** What clients may do there: all, only read, or nothing. */
  readonly clients: "all" | "readers" | "none";
  readonly names: Namespace;
}

/** Where clients send their requests: a process, or an address behind which there are some. */
export interface Server {
  readonly url: string;
  /** Sent with each request. */
  readonly headers: Readonly<Record<string, string>>;
  /** As what operations remember it: which process, and which start of it. */
  readonly incarnation: string;
  /** The history that its database is at. */
  readonly branch: Branch;
  readonly installation: Service;
  /** Those that serve the same database. */
  readonly others: readonly Server[];
  /** Whether clients leave it alone for now. */
  readonly idle: boolean;
  /** What is being done to it, if anything. */
  readonly outage: string | undefined;
  /** What was done to it at any time since `from`, for which it may have given no answer. */
  outageSince(from: number): string | undefined;
  /** Mutations that were sent to it and are not answered yet, by when they were sent. */
  readonly mutating: Map<object, number>;
  /** Waits until it may be asked one thing more. */
  turn(): Promise<unknown>;
  /** What it answers: JSON of any shape. Throws when that is none. */
  ask(operation: Operation, document: Document): Promise<unknown>;
}
