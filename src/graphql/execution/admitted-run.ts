import type { ExecutionArgs } from "graphql";
import { ANONYMOUS } from "./access.ts";
import type { Operation } from "./compiled-executor.ts";
import type { HeavyLine } from "./heavy-line.ts";
import type { RequestContext } from "./request.ts";

/**
 * Holds an operation against what its asker may and against the limits, and runs it, a heavy one in its turn. Both lanes execute through it and not
 * otherwise, so that no operation runs that may not.
 *
 * @throws what `Admission.require` throws; nothing has run then
 */
export function runAdmitted(
  { admission, kind, name, run }: Operation,
  context: RequestContext,
  variables: ExecutionArgs["variableValues"],
  line: HeavyLine,
  whenAdmitted?: () => void,
): ReturnType<Operation["run"]> {
  const cost = admission.costWith(variables);
  context.cost = cost;
  context.kind = kind;
  context.operationName = name;
  context.needs = admission.needs;
  admission.require(cost, context.access ?? ANONYMOUS);
  whenAdmitted?.();
  context.keepDocument?.();
  if (!line.isHeavy(cost)) return run(context, variables);
  const { consistency } = context;
  const turn = line.enter(cost, () => consistency?.isWanted ?? true);
  if (turn instanceof Error) return { errors: [turn] };
  return turn.then((leave) => {
    context.leaveLine = leave;
    return run(context, variables);
  });
}
