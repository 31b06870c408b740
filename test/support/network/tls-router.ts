import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { createSecureContext, createServer } from "node:tls";
import { onFinished } from "../cleanup.ts";

/**
 * An endpoint as managed services have it: it speaks TLS, routes by the name that the client asks for (SNI), and ends
 * connections that ask for none. Returns its port. It ends with the test.
 */
export async function startTlsRouter(
  files: { readonly key: string; readonly cert: string },
  routes: Readonly<Record<string, number>>,
): Promise<number> {
  const context = createSecureContext({ key: readFileSync(files.key), cert: readFileSync(files.cert) });
  const server = createServer({ SNICallback: (_, done) => done(null, context) }, (client) => {
    const port = routes[String((client as { servername?: string | false }).servername)];
    client.on("error", () => {});
    if (port === undefined) {
      client.destroy();
      return;
    }
    const upstream = connect(port, "127.0.0.1");
    upstream.on("error", () => client.destroy()).on("close", () => client.destroy());
    client.on("close", () => upstream.destroy());
    client.pipe(upstream).pipe(client);
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onFinished(() => server.close());
  return (server.address() as AddressInfo).port;
}
