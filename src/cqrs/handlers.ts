/** The handlers of all aggregates, each under its key. */
export type Handlers = ReadonlyMap<HandlerKey<unknown>, unknown>;

/** A handler with its key, as an aggregate hands it out. */
export type HandlerEntry = readonly [HandlerKey<unknown>, unknown];

/** Finds one handler among those of all aggregates, so that what passes them on need not know any. */
export class HandlerKey<H> {
  readonly name: string;

  /** `name` is that of the class. */
  constructor(name: string) {
    this.name = name;
  }

  /** The handler of an app, or of a request to it. */
  of({ handlers }: { readonly handlers: Handlers }): H {
    if (!handlers.has(this)) throw new Error(`no registered module has a ${this.name}`);
    return handlers.get(this) as H;
  }

  /** The entry for `handler`. */
  with(handler: H): HandlerEntry {
    return [this, handler];
  }
}
