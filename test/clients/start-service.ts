import type { TestProject } from "vitest/node";
import { cleaningUp } from "../support/cleanup.ts";
import { startTwoProcesses } from "../support/service/two-processes.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The addresses of the processes of one service, which all clients ask. */
    readonly processes: readonly string[];
    /** What another process of it is started with. */
    readonly environment: Readonly<Record<string, string | undefined>>;
  }
}

/** Starts two processes over one database and Redis, for all clients together, until the run ends. */
export default async function startService(project: TestProject): Promise<() => Promise<void>> {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  let running = Promise.resolve();
  await new Promise<void>((resolve, reject) => {
    running = cleaningUp(async () => {
      const { processes, env } = await startTwoProcesses();
      project.provide(
        "processes",
        processes.map(({ url }) => url),
      );
      project.provide("environment", env);
      resolve();
      await ended;
    });
    running.catch(reject);
  });
  return async () => {
    end();
    await running;
  };
}
