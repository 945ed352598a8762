import type { Origin, Requestor } from "../access/request.ts";
import type { Operation } from "../activity/fact.ts";
import type { Caller } from "../caller/caller.ts";
import type { Workflows } from "../ports.ts";
import type { Outcome } from "../reasons.ts";
import type { Answer } from "./problem.ts";

/** One call of a known caller, as handlers see it. */
export interface Call {
  readonly requestId: string;
  readonly caller: Caller;
  readonly callerAddress?: string | undefined;
  /** What the caller sent to find several calls together: a GUID. */
  readonly correlationId?: string | undefined;
  readonly url: URL;
  /** Route parameters, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** A header of the call; nothing when it is not there. */
  header(name: string): string | undefined;
  /** The JSON body, or why it is none. */
  body(): Promise<Outcome<unknown>>;
  /** As `body`; an empty one is taken for `value`. */
  bodyOr(value: unknown): Promise<Outcome<unknown>>;
  readonly workflows: Workflows;
}

export type Handler = (call: Call) => Promise<Answer>;
export type Method = "GET" | "PUT" | "POST" | "DELETE" | "PATCH" | "HEAD" | "OPTIONS";

/** One address of the API with what it answers to. Everything not listed is 405, in ARM's words. */
export interface Route {
  readonly methods: Partial<Record<Method, Handler>>;
  /** Under which operation refusals are audited; absent for reads. */
  readonly operation?: ((method: string) => Operation | undefined) | undefined;
}

export function requestorOf(caller: Caller): Requestor {
  const { tenantId, objectId, name, kind, application } = caller;
  return { tenantId, objectId, name, kind, ...(application === undefined ? {} : { application }) };
}

/** From where a call came, as it is told with what came of it. */
export function originOf({ callerAddress: address, requestId, correlationId }: Call): Origin {
  return {
    ...(address === undefined ? {} : { address }),
    callId: requestId,
    ...(correlationId === undefined ? {} : { correlationId }),
  };
}
