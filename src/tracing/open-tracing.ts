import type { Logger } from "pino";
import { within } from "../cqrs/deadline.ts";
import type { GraphqlAnswers } from "../http/graphql-route.ts";
import type { RequestWatch } from "../http/request-watch.ts";
import { followKernel } from "./kernel-parts.ts";
import { requestParts } from "./request-parts.ts";
import { tracedAnswers } from "./traced-answers.ts";
import { Tracing } from "./tracing.ts";
import type { TracingSettings } from "./tracing-settings.ts";

/** How long the end of the process waits for a collector, in milliseconds. */
const CLOSE_TIMEOUT_MS = 2000;

/** What follows requests and what is done for them. */
export interface OpenTracing {
  readonly watch: RequestWatch;
  /** What answers requests, followed; see {@link tracedAnswers}. */
  answers(graphql: GraphqlAnswers, isTrusted: boolean): GraphqlAnswers;
  /** Sends what there is to be sent, if that does not take long, and follows nothing more. */
  close(): Promise<void>;
}

/** Follows the whole process from now on. */
export async function openTracing(settings: TracingSettings, log: Logger): Promise<OpenTracing> {
  const tracing = await Tracing.open(settings, log);
  const unfollow = followKernel(tracing);
  return {
    watch: requestParts(tracing),
    answers: (graphql, isTrusted) => tracedAnswers(graphql, tracing, isTrusted),
    close: async () => {
      unfollow();
      await within(CLOSE_TIMEOUT_MS, tracing.close()).catch(() => log.warn("the last traces could not be sent"));
    },
  };
}
