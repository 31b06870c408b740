import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onFinished } from "../cleanup.ts";
import { eventually } from "../wait.ts";

type Attributes = Readonly<Record<string, unknown>>;

/** A span as a service has sent it. */
export interface SentSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Undefined for one that is of no other. */
  readonly parentId: string | undefined;
  readonly attributes: Attributes;
  readonly links: readonly string[];
  readonly isFault: boolean;
  readonly state: string | undefined;
  /** Of the service. */
  readonly resource: Attributes;
}

/** Takes traces as OpenTelemetry's collectors do, as JSON, and keeps them. It ends with the test. */
export class Collector {
  readonly url: string;
  readonly spans: SentSpan[] = [];
  /** All that was sent to it, as it came. */
  readonly bodies: string[] = [];
  readonly types = new Set<string>();

  constructor(url: string) {
    this.url = url;
  }

  /** The spans of a trace, once the one of this name is among them. */
  async trace(traceId: string, name: string): Promise<readonly SentSpan[]> {
    const ofTrace = () => this.spans.filter((span) => span.traceId === traceId);
    await eventually(`${name} of ${traceId}`, () => ofTrace().some((span) => span.name === name));
    return ofTrace();
  }

  take(body: string): void {
    this.bodies.push(body);
    for (const { resource, scopeSpans } of JSON.parse(body).resourceSpans) {
      for (const { spans } of scopeSpans) for (const span of spans) this.spans.push(spanOf(span, resource));
    }
  }
}

/** Starts one. With a status it refuses all that it is sent. */
export async function startCollector(status = 200): Promise<Collector> {
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece) => pieces.push(piece));
    request.on("end", () => {
      const type = String(request.headers["content-type"]);
      collector.types.add(`${request.url} ${type}`);
      const body = Buffer.concat(pieces);
      if (type === "application/json") collector.take(body.toString());
      else collector.bodies.push(body.toString("latin1"));
      response.writeHead(status, { "content-type": type }).end(type === "application/json" ? "{}" : undefined);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const collector = new Collector(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return collector;
}

interface Sent {
  readonly attributes?: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
}

// biome-ignore lint/suspicious/noExplicitAny: as the protocol has it
function spanOf(span: any, resource: Sent): SentSpan {
  const { name, traceId, spanId, parentSpanId, links = [], status, traceState } = span;
  return {
    ...{ name, traceId, spanId, parentId: parentSpanId || undefined, state: traceState || undefined },
    attributes: attributesOf(span),
    links: links.map((link: { spanId: string }) => link.spanId),
    isFault: status?.code === 2,
    resource: attributesOf(resource),
  };
}

function attributesOf({ attributes = [] }: Sent): Attributes {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
