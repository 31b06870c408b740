/** What the cursors of the whole catalogue in title order begin with: it says of which list they are. */
const LIST = "189aMr1Pi";

/** A title as a cursor of the connection names it. The only place where the torture knows what a cursor is made of. */
export function cursorOf(title: string): string {
  return Buffer.from(JSON.stringify([LIST, 0, title])).toString("base64url");
}
