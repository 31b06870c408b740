/** The cursor of a place in title order, as the connection makes it: the only place where the tests know what that is. */
export function titleCursor(title: string): string {
  return Buffer.from(`title\0${title}`).toString("base64url");
}
