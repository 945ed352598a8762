import { performance } from "node:perf_hooks";
import type { WriteOutcome } from "../ports.ts";
import type { ArmRequest, SendToArm } from "./arm-http.ts";
import { beginWrite, lookAt, type Operation } from "./arm-operation.ts";
import { changed } from "./azure-error.ts";

/** How patiently an operation is followed. */
export interface Patience {
  readonly pollMs: number;
  /** An operation that has not ended by then counts as of unknown effect. */
  readonly maxWaitMs: number;
  readonly pause: (milliseconds: number) => Promise<void>;
}

/** Sends a write to a gate and waits until Azure says that it is in effect, or what became of it. */
export async function writeAndWait(
  send: SendToArm,
  request: ArmRequest,
  gateId: string,
  patience: Patience,
): Promise<WriteOutcome> {
  const begun = await beginWrite(send, request, gateId);
  return begun.outcome === "running"
    ? await followOperation(send, begun.operation, gateId, patience)
    : begun;
}

async function followOperation(
  send: SendToArm,
  operation: Operation,
  gateId: string,
  patience: Patience,
): Promise<WriteOutcome> {
  const { pollMs, maxWaitMs, pause } = patience;
  // The first look comes early even when Azure asks for more patience: most writes take less than they are announced to.
  let waitMs = Math.min(pollMs, operation.firstRetryAfterMs ?? pollMs);
  let waitedMs = 0;
  while (waitedMs < maxWaitMs) {
    const startedAt = performance.now();
    await pause(waitMs);
    const progress = await lookAt(send, operation, gateId, pollMs);
    waitedMs += Math.max(waitMs, performance.now() - startedAt);
    if (progress.outcome !== "running") {
      return progress;
    }
    waitMs = progress.retryAfterMs;
  }
  return changed(`Azure had not finished the write after ${Math.round(waitedMs / 1_000)} s.`);
}
