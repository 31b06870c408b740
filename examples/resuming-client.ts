import type { Client, FormattedExecutionResult, Sink, SubscribePayload } from "graphql-ws";

/**
 * A client of graphql-ws whose `subscribe` goes on where it was when it has lost its connection: each event says at which revision
 * it is true, and the subscription is sent again with that as the variable `since`, which its document is to declare. `saw` is
 * told of each, as `consistentFetch` takes it.
 */
export function resumingClient(client: Client, saw: (revisions: string) => void = () => {}): Client {
  const subscribe = <D, E>(payload: SubscribePayload, sink: Sink<FormattedExecutionResult<D, E>>) => {
    // the client sends what it was given as it is by then
    const variables = { ...payload.variables };
    const note = ({ extensions }: FormattedExecutionResult<D, E>) => {
      const { revision, streams } = (extensions as { consistency?: Consistency } | undefined)?.consistency ?? {};
      const [stream, since = revision] = Object.entries(streams ?? {})[0] ?? [];
      if (since === undefined) return;
      variables.since = since;
      saw(stream === undefined ? `${since}` : `${stream}=${since}`);
    };
    return client.subscribe<D, E>(
      { ...payload, variables },
      {
        next: (event) => {
          note(event);
          sink.next(event);
        },
        error: (error) => sink.error(error),
        complete: () => sink.complete(),
      },
    );
  };
  return { ...client, subscribe };
}

/** What an event is true at; with several streams by their names. */
interface Consistency {
  readonly revision?: number;
  readonly streams?: Readonly<Record<string, number>>;
}
