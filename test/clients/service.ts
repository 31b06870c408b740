import { inject } from "vitest";
import { type Balancer, startBalancer } from "../support/network/balancer.ts";
import { GraphqlClient } from "../support/service/graphql-client.ts";
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

let made = 0;

/** A title that no other test has, in any file. */
export function newTitle(): string {
  return `${inject("processes")[0]} ${process.pid} ${Date.now()} ${made++}`;
}
