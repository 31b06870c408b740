/** What a request line asks for, as it was sent: no part of it is decoded, resolved or otherwise made another. */
export interface Target {
  readonly path: string;
  readonly search: string;
  /** Host and port, where the client has sent a whole URL. */
  readonly authority?: string;
}

const WHOLE_URL = /^https?:\/\/([^/?#]*)([^?#]*)(\?[^#]*)?$/i;

export function targetOf(url: string): Target {
  if (url.startsWith("/")) {
    const end = url.indexOf("?");
    return end < 0 ? { path: url, search: "" } : { path: url.slice(0, end), search: url.slice(end) };
  }
  const [, authority, path, search] = WHOLE_URL.exec(url) ?? [];
  // what is none of the forms that there are, as `*`, names nothing here
  return authority === undefined ? { path: url, search: "" } : { path: path || "/", search: search ?? "", authority };
}
