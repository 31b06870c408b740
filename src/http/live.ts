/** What goes on over a connection for as long as its client likes: an event stream, or a socket. */
export interface Live {
  /** Ends it so that its client comes back, because the service stops. */
  stop(): void;
  /** Ends it because its client does not take what it is sent, and tells it, if it will ever read that, where to go on. */
  giveUp(): void;
  /** Asks the client to show that it is there, where there is a way. */
  probe?(): void;
  /** Sends what says nothing to a client that sends no more: one that has gone away looks the same until then. */
  nudge?(): void;
}
