import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Exchange, Headers } from "./exchange.ts";

/**
 * GraphiQL gives its tabs offsets that its own style hides until a tab is pressed: the tab then jumps away from under
 * the pointer, and the first click on it is lost.
 */
const style = "<style>.graphiql-tabs > .graphiql-tab { transform: none !important; }</style>";

/** A request that GraphiQL offers: what stands in a tab of its own. */
export interface GraphiqlTab {
  readonly query: string;
  /** As JSON. */
  readonly variables?: string;
}

interface Page {
  readonly body: Buffer;
  readonly headers: Headers;
}

async function render(tabs: readonly GraphiqlTab[]): Promise<Page> {
  // loaded for those who visit: it is a large part of the process's memory and start-up time
  const { renderGraphiQL } = await import("@graphql-yoga/render-graphiql");
  const html = renderGraphiQL({
    title: "Books catalogue",
    endpoint: "/graphql",
    defaultTabs: [...tabs],
    defaultEditorToolsVisibility: "variables",
  }).replace("</head>", `${style}</head>`);
  const body = await promisify(gzip)(html);
  const headers = {
    // it is asked for again each time, and not sent again while it is the same
    "cache-control": "no-cache",
    etag: `"${createHash("sha1").update(body).digest("base64url")}"`,
    "content-security-policy": policyOf(html),
    "x-frame-options": "DENY",
    // the URL holds what is being edited
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
  };
  return { body, headers };
}

/** Lets the page run its own script, which makes its workers, and ask this API; nothing else, and in no frame. */
function policyOf(html: string): string {
  const scripts = [...html.matchAll(/<script>(.*?)<\/script>/gs)].map(([, script = ""]) => {
    return `'sha256-${createHash("sha256").update(script).digest("base64")}'`;
  });
  return [
    "default-src 'none'",
    `script-src ${scripts.join(" ")}`,
    "worker-src blob:",
    "style-src 'unsafe-inline'",
    "font-src data:",
    "img-src data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** Serves GraphiQL from this process alone: it asks no other host for anything. */
export class GraphiqlPage {
  readonly #tabs: readonly GraphiqlTab[];
  /** Rendered and compressed at the first visit: it is nine megabytes, and the same for everyone. */
  #page: Promise<Page> | undefined;

  constructor(tabs: readonly GraphiqlTab[]) {
    this.#tabs = tabs;
  }

  async serve(exchange: Exchange): Promise<void> {
    this.#page ??= render(this.#tabs);
    const { body, headers } = await this.#page;
    if (exchange.request.headers["if-none-match"] === headers.etag) return exchange.send(304, headers);
    exchange.send(200, { ...headers, "content-type": "text/html; charset=utf-8", "content-encoding": "gzip" }, body);
  }
}
