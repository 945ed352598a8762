import type { OrchestrationContext, Task } from "durable-functions";
import { names, vmInstance } from "./names.ts";

/** Input of the orchestration of one request. */
export interface AccessRequestInput {
  readonly requestId: string;
  readonly vmCount: number;
}

/** One request: a child for every VM, each on its own clock; done when the last of them has closed. */
export function* accessRequest(context: OrchestrationContext): Generator<Task, void, unknown> {
  const { requestId, vmCount } = context.df.getInput() as AccessRequestInput;
  const children = Array.from({ length: vmCount }, (_, vmIndex) =>
    context.df.callSubOrchestrator(
      names.accessWindow,
      { requestId, vmIndex },
      vmInstance(requestId, vmIndex),
    ),
  );
  yield context.df.Task.all(children);
}
