/** A title as a cursor of the connection names it. The only place where the torture knows what a cursor is made of. */
export function cursorOf(title: string): string {
  return Buffer.from(`title\0${title}`).toString("base64url");
}
