import { inject } from "vitest";
import { newDatabase } from "../support/database/database.ts";
import { type Balancer, startBalancer } from "../support/network/balancer.ts";
import { GraphqlClient } from "../support/service/graphql-client.ts";
import { startProcess } from "../support/service/service-process.ts";
import type {} from "./start-service.ts";

/** The service as a frontend has it, under one address; and a colleague who asks one of its processes. */
export interface ServiceAtHand {
  readonly balancer: Balancer;
  readonly url: string;
  readonly colleague: GraphqlClient;
}

export async function serviceAtHand(): Promise<ServiceAtHand> {
  const processes = inject("processes");
  const balancer = await startBalancer(...processes);
  return { balancer, url: balancer.url, colleague: new GraphqlClient(processes[0] ?? "") };
}

/** A service whose database is new: what was seen of another under its address is not there. It ends with the test. */
export async function newService(): Promise<GraphqlClient> {
  const { url: DATABASE_URL } = await newDatabase();
  return startProcess({ DATABASE_URL, LOG_LEVEL: "silent" });
}

let made = 0;

/** A title that no other test has, in any file. */
export function newTitle(): string {
  return `${inject("processes")[0]} ${process.pid} ${Date.now()} ${made++}`;
}
