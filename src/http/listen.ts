import type { ListenOptions, Server } from "node:net";

/** A place where it cannot be listened; the message begins with the `settings` that name it. */
export class CannotListen extends Error {
  constructor(settings: string, { host, port }: ListenOptions, { message }: Error) {
    super(`${settings}: cannot listen on ${host}:${port}: ${message}`);
    this.name = "CannotListen";
  }
}

/** @throws CannotListen */
export async function listen(server: Server, options: ListenOptions, settings: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error) => reject(new CannotListen(settings, options, error));
    server.once("error", fail);
    server.listen(options, () => {
      server.off("error", fail);
      resolve();
    });
  });
}
