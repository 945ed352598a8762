import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { refusal } from "../answers.ts";
import type { Fate } from "../operations.ts";
import { CloudError, type CloudRequest, type CloudResponse, connectionCut } from "../router.ts";
import type { Fault, FaultKind } from "./fault.ts";
import type { ResourcesWithPast } from "./past.ts";
import { refusalOf } from "./refusals.ts";

/** What would happen to the request without a fault; `fate` is what becomes of the operation it starts. */
export type Handle = (fate?: Fate) => Promise<CloudResponse> | CloudResponse;

interface Circumstances {
  readonly request: CloudRequest;
  readonly handle: Handle;
  readonly resources: ResourcesWithPast;
  /** Aborted when the faults are cleared: answers that are held back go out. */
  readonly cleared: AbortSignal;
  /** Called when the fault had nothing to strike: no operation began, nothing stale to read. */
  readonly missed: () => void;
}

/** Whether a fault of this kind means anything to such a request. */
export function concerns(kind: FaultKind, method: string): boolean {
  if (kind === "stale-read") return method === "GET";
  return !kind.startsWith("operation-") || method !== "GET";
}

/** Answers in the place of `handle`, or with its help. */
export async function strike(fault: Fault, circumstances: Circumstances): Promise<CloudResponse> {
  const { request, handle, cleared } = circumstances;
  switch (fault.kind) {
    case "drop-before":
      return connectionCut;
    case "drop-after":
      await answerOf(handle);
      return connectionCut;
    case "slow": {
      const answer = await answerOf(handle);
      const held = pause(fault.delayMs, undefined, { signal: cleared, ref: false });
      await held.catch(() => undefined);
      return answer;
    }
    case "stale-read":
      return await readStale(circumstances);
    case "operation-never-ends":
      return await begin("never ends", circumstances);
    case "operation-fails":
      return await begin("fails", circumstances);
    case "operation-canceled":
      return await begin("is canceled", circumstances);
    default:
      throw refusalOf(fault.kind, request, fault.retryAfterSeconds);
  }
}

async function begin(fate: Fate, { handle, missed }: Circumstances): Promise<CloudResponse> {
  const answer = await answerOf(() => handle(fate));
  if (answer.headers?.["azure-asyncoperation"] === undefined) missed();
  return answer;
}

async function readStale({ handle, resources, missed }: Circumstances): Promise<CloudResponse> {
  const present = await answerOf(handle);
  const former = await answerOf(() => resources.asBefore(handle));
  if (isDeepStrictEqual(present, former)) missed();
  return former;
}

/** A refusal is an answer too: it can be lost or late like any other. */
async function answerOf(handle: Handle): Promise<CloudResponse> {
  try {
    return await handle();
  } catch (error) {
    if (error instanceof CloudError) return refusal(error);
    throw error;
  }
}
