/** Who has asked last over a connection, and what the rate limit keeps of it: mostly the same asks next. */
export class LastAsked {
  client: string | undefined;
  account: object | undefined;
}
