/** Who has asked last over a connection, and what is kept of that: mostly the same asks next. */
export class LastAsked {
  client: string | undefined;
  account: object | undefined;
  /** What told the address of whoever has shown no token, and how he is named by it. */
  address: string | undefined;
  name = "";
}
