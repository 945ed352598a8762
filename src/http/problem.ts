import { type Reason, type ReasonCode, type Refusal, refused } from "../reasons.ts";

/** What a handler answers. A refusal carries its reasons too, so that the audit says the same as the caller is told. */
export interface Answer {
  readonly status: number;
  /** Sent as JSON; absent means an empty body. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly refusal?: Refusal;
  /** The VMs that a refused call named. */
  readonly vmIds?: readonly string[];
  /** The request that a refused call was about. */
  readonly about?: { readonly requestId: string; readonly policyId: string } | undefined;
}

/** HTTP status of each code. What is not listed here is the caller's fault: 400. */
const statuses: Partial<Record<ReasonCode, number>> = {
  AuthenticationFailed: 401,
  AccountDisabled: 403,
  AuthorizationFailed: 403,
  BreakGlassNotAllowed: 403,
  NotAnApprover: 403,
  NotTheRequestor: 403,
  SelfApproval: 403,
  CrossSiteRequest: 403,
  PolicyNotFound: 404,
  ResourceNotFound: 404,
  MethodNotAllowed: 405,
  AskedTooOften: 409,
  BlockedByCustomerRule: 409,
  GateFull: 409,
  GateBusy: 503,
  GateTooSlow: 409,
  GateUpdateFailed: 503,
  GateNotFound: 409,
  GateNotWritable: 409,
  IdempotencyKeyReused: 409,
  NothingToReview: 409,
  PolicyChangedMeanwhile: 409,
  RequestNotOpen: 409,
  RequestNotPending: 409,
  TooManyPending: 409,
  RequestContentTooLarge: 413,
  RequestUriTooLong: 414,
  TooManyRequests: 429,
  RequestHeadersTooLarge: 431,
  InternalError: 500,
  NotSettledInTime: 503,
  NotVerifiedInTime: 503,
  ServiceUnavailable: 503,
};

/** ARM's error body for a refusal: the first reason on top, every reason in `details` when there are several. */
export function problem(refusal: Refusal, more: Pick<Answer, "headers" | "vmIds"> = {}): Answer {
  const [
    first = { code: "InternalError", message: "No reason was given." } satisfies Reason,
    ...others
  ] = refusal.reasons;
  const details = others.length === 0 ? [] : refusal.reasons.map(errorBody);
  return {
    status: statuses[first.code] ?? 400,
    body: { error: { ...errorBody(first), details } },
    refusal,
    ...more,
  };
}

/** A refusal for one reason. */
export function problemOf(code: ReasonCode, message: string, target?: string): Answer {
  return problem(refused({ code, message, ...(target === undefined ? {} : { target }) }));
}

function errorBody({ code, message, target }: Reason) {
  return { code, message, ...(target === undefined ? {} : { target }) };
}
