import { z } from "zod";
import type { Progress, WriteOutcome } from "../ports.ts";
import { type ArmAnswer, type ArmRequest, retryAfterMs, type SendToArm } from "./arm-http.ts";
import {
  ArmError,
  changed,
  outcomeOfFailure,
  parseAzureError,
  parseJson,
  quoteError,
} from "./azure-error.ts";

/** Where to ask how a write goes that Azure has taken up, and how to read the answer. Plain data: it may be asked about in another process. */
export interface Operation {
  /** `status`: an operation's own; `location`: where its result will be; `resource`: what is written, by its own state. */
  readonly kind: "status" | "location" | "resource";
  /** NB. Signed and opaque: it is asked exactly as it came. */
  readonly url: string;
  /** The pause that Azure asked for when it took the write up, in milliseconds. */
  readonly firstRetryAfterMs?: number | undefined;
}

/** A write that Azure has taken up and not finished, or what became of it at once. */
export type Begun =
  | { readonly outcome: "running"; readonly operation: Operation }
  | Exclude<WriteOutcome, { readonly outcome: "started" }>;

const written: Begun & Progress = { outcome: "written" };

/** Sends a write to a gate, once. */
export async function beginWrite(
  send: SendToArm,
  request: ArmRequest,
  gateId: string,
): Promise<Begun> {
  const answer = await answerOrNothing(send, request);
  if (answer instanceof ArmError) {
    return changed(answer.message);
  }
  if (answer.status >= 300) {
    const error = parseAzureError(answer.text);
    const { status } = answer;
    return outcomeOfFailure({ status, error, retryAfterMs: retryAfterMs(answer) }, gateId);
  }
  const operation = operationOf(answer, request);
  return operation === undefined ? written : { outcome: "running", operation };
}

function operationOf(answer: ArmAnswer, request: ArmRequest): Operation | undefined {
  const firstRetryAfterMs = retryAfterMs(answer);
  const status = answer.header("azure-asyncoperation");
  if (status !== undefined) {
    return { kind: "status", url: status, firstRetryAfterMs };
  }
  const location = answer.header("location");
  if (location !== undefined && answer.status === 202) {
    return { kind: "location", url: location, firstRetryAfterMs };
  }
  if (request.method === "PUT" && readResource(answer) === "running") {
    return { kind: "resource", url: request.url, firstRetryAfterMs };
  }
  return undefined;
}

/** Asks once how an operation goes. `pollMs` is the pause before the next look where Azure names none. */
export async function lookAt(
  send: SendToArm,
  operation: Operation,
  gateId: string,
  pollMs: number,
): Promise<Progress> {
  const answer = await answerOrNothing(send, { method: "GET", url: operation.url });
  if (answer instanceof ArmError || isBusy(answer)) {
    const asked = answer instanceof ArmError ? undefined : retryAfterMs(answer);
    return { outcome: "running", retryAfterMs: Math.max(pollMs, asked ?? 0) };
  }
  if (answer.status >= 400) {
    // The write was taken up; only the way to ask about it is lost.
    return changed(`Azure does not tell what became of the write: status ${answer.status}.`);
  }
  const state = readers[operation.kind](answer);
  return state === "running"
    ? {
        outcome: "running",
        retryAfterMs: retryAfterMs(answer) ?? operation.firstRetryAfterMs ?? pollMs,
      }
    : endOf(state, answer, gateId);
}

type State = "running" | "succeeded" | "failed" | "canceled";

const statusBody = z.object({ status: z.string() });
const resourceBody = z.object({ properties: z.object({ provisioningState: z.string() }) });

const readers: Readonly<Record<Operation["kind"], (answer: ArmAnswer) => State>> = {
  status: (answer) => stateOf(statusBody.safeParse(parseJson(answer.text)).data?.status ?? ""),
  location: (answer) => (answer.status === 202 ? "running" : "succeeded"),
  resource: readResource,
};

function readResource(answer: ArmAnswer): State {
  const body = resourceBody.safeParse(parseJson(answer.text));
  return stateOf(body.data?.properties.provisioningState ?? "Succeeded");
}

function stateOf(state: string): State {
  const word = state.toLowerCase();
  return word === "succeeded" || word === "failed" || word === "canceled" ? word : "running";
}

const isBusy = (answer: ArmAnswer): boolean =>
  answer.status >= 500 || answer.status === 408 || answer.status === 429;

/** A cancelled operation was overtaken by a later write; a failed one says why by its code. */
function endOf(state: Exclude<State, "running">, answer: ArmAnswer, gateId: string): Progress {
  if (state === "succeeded") {
    return written;
  }
  const error = parseAzureError(answer.text);
  return state === "canceled" ? changed(quoteError(error)) : outcomeOfFailure({ error }, gateId);
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
