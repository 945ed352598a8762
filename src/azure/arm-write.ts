import { performance } from "node:perf_hooks";
import { z } from "zod";
import type { WriteOutcome } from "../ports.ts";
import { type ArmAnswer, type ArmRequest, retryAfterMs, type SendToArm } from "./arm-http.ts";
import {
  ArmError,
  changed,
  outcomeOfFailure,
  parseAzureError,
  parseJson,
  quoteError,
} from "./azure-error.ts";

/** How patiently an operation is followed. */
export interface Patience {
  readonly pollMs: number;
  /** An operation that has not ended by then counts as of unknown effect. */
  readonly maxWaitMs: number;
  readonly pause: (milliseconds: number) => Promise<void>;
}

const written: WriteOutcome = { outcome: "written" };

/** Sends a write to a gate and waits until Azure says that it is in effect, or what became of it. */
export async function writeAndWait(
  send: SendToArm,
  request: ArmRequest,
  gateId: string,
  patience: Patience,
): Promise<WriteOutcome> {
  const answer = await answerOrNothing(send, request);
  if (answer instanceof ArmError) {
    return changed(answer.message);
  }
  if (answer.status >= 300) {
    return failureOf(answer, gateId);
  }
  const follow = operationOf(answer, request);
  return follow === undefined ? written : await followOperation(send, follow, gateId, patience);
}

/** Where to ask how it goes, and how to read the answer. */
interface Operation {
  readonly url: string;
  readonly firstRetryAfterMs: number | undefined;
  readonly read: (answer: ArmAnswer) => Progress;
}

type Progress = "running" | "succeeded" | "failed" | "canceled";

/** NB. The addresses are signed and opaque: they are asked exactly as they came. */
function operationOf(answer: ArmAnswer, request: ArmRequest): Operation | undefined {
  const firstRetryAfterMs = retryAfterMs(answer);
  const status = answer.header("azure-asyncoperation");
  if (status !== undefined) {
    return { url: status, firstRetryAfterMs, read: readStatus };
  }
  const location = answer.header("location");
  if (location !== undefined && answer.status === 202) {
    return { url: location, firstRetryAfterMs, read: readLocation };
  }
  if (request.method === "PUT" && readResource(answer) === "running") {
    return { url: request.url, firstRetryAfterMs, read: readResource };
  }
  return undefined;
}

const statusBody = z.object({ status: z.string() });
const resourceBody = z.object({ properties: z.object({ provisioningState: z.string() }) });

function readStatus(answer: ArmAnswer): Progress {
  const body = statusBody.safeParse(parseJson(answer.text));
  return progressOf(body.data?.status ?? "");
}

function readLocation(answer: ArmAnswer): Progress {
  return answer.status === 202 ? "running" : "succeeded";
}

function readResource(answer: ArmAnswer): Progress {
  const body = resourceBody.safeParse(parseJson(answer.text));
  return progressOf(body.data?.properties.provisioningState ?? "Succeeded");
}

function progressOf(state: string): Progress {
  const word = state.toLowerCase();
  return word === "succeeded" || word === "failed" || word === "canceled" ? word : "running";
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
    const answer = await answerOrNothing(send, { method: "GET", url: operation.url });
    waitedMs += Math.max(waitMs, performance.now() - startedAt);

    if (answer instanceof ArmError || isBusy(answer)) {
      waitMs = Math.max(pollMs, (answer instanceof ArmError ? 0 : retryAfterMs(answer)) ?? 0);
      continue;
    }
    if (answer.status >= 400) {
      // The write was taken up; only the way to ask about it is lost.
      return changed(`Azure does not tell what became of the write: status ${answer.status}.`);
    }
    const progress = operation.read(answer);
    if (progress !== "running") {
      return endOf(progress, answer, gateId);
    }
    waitMs = retryAfterMs(answer) ?? operation.firstRetryAfterMs ?? pollMs;
  }
  return changed(`Azure had not finished the write after ${Math.round(waitedMs / 1_000)} s.`);
}

const isBusy = (answer: ArmAnswer): boolean =>
  answer.status >= 500 || answer.status === 408 || answer.status === 429;

/** A cancelled operation was overtaken by a later write; a failed one says why by its code. */
function endOf(
  progress: Exclude<Progress, "running">,
  answer: ArmAnswer,
  gateId: string,
): WriteOutcome {
  if (progress === "succeeded") {
    return written;
  }
  const error = parseAzureError(answer.text);
  return progress === "canceled" ? changed(quoteError(error)) : outcomeOfFailure({ error }, gateId);
}

function failureOf(answer: ArmAnswer, gateId: string): WriteOutcome {
  const error = parseAzureError(answer.text);
  return outcomeOfFailure(
    { status: answer.status, error, retryAfterMs: retryAfterMs(answer) },
    gateId,
  );
}

/** No answer is a value here: its meaning (nobody knows what became of the write) is the same everywhere in this file. */
async function answerOrNothing(
  send: SendToArm,
  request: ArmRequest,
): Promise<ArmAnswer | ArmError> {
  try {
    return await send(request);
  } catch (error) {
    if (error instanceof ArmError) {
      return error;
    }
    throw error;
  }
}
