import { z } from "zod";
import type { WriteOutcome } from "../ports.ts";
import type { ReasonCode } from "../reasons.ts";
import { gateName } from "../rules/gate.ts";

/** The part of Azure's `{ "error": … }` that decides what to do next. */
export interface AzureError {
  readonly code: string;
  readonly message: string;
  readonly details: readonly { readonly code: string; readonly message: string }[];
}

/** A call to Azure that failed for a reason no caller can decide. Carries neither request nor headers: they hold a token. */
export class ArmError extends Error {
  override readonly name = "ArmError";
  /** HTTP status; nothing when no answer came. */
  readonly status: number | undefined;
  /** Azure's code or the network's, such as `TooManyRequests` or `ECONNRESET`. */
  readonly code: string;

  constructor(message: string, fields: { status?: number | undefined; code: string }) {
    super(message);
    this.status = fields.status;
    this.code = fields.code;
  }
}

/** How long Azure's own words may get in ours. */
const quoteLength = 350;
/** A pause for those who come back when Azure named none. */
const defaultRetryAfterMs = 1_000;

const item = z.object({ code: z.string().catch(""), message: z.string().catch("") });
const errorBody = z.object({
  error: item.extend({ details: z.array(item).nullish().catch([]) }),
});

/** Reads an error body or the body of a failed operation; anything else (a proxy's HTML page) becomes the message. */
export function parseAzureError(text: string): AzureError {
  const parsed = errorBody.safeParse(parseJson(text));
  if (!parsed.success) {
    return { code: "", message: text.trim().slice(0, quoteLength), details: [] };
  }
  return { ...parsed.data.error, details: parsed.data.error.details ?? [] };
}

/** The JSON value, or nothing when the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Azure's code and message as one sentence, details included: they often hold the only useful part. */
export function quoteError(error: AzureError, status?: number): string {
  const head = [status, error.code].filter((part) => part !== undefined && part !== "").join(" ");
  const details = error.details.map((detail) => ` ${detail.code}: ${detail.message}`).join("");
  return `${head}: ${error.message}${details}`.slice(0, quoteLength);
}

/** The fault of a request whose answer's status is none that its sender reckons with. */
export function armErrorFrom(
  answer: { readonly status: number; readonly text: string },
  what: string,
): ArmError {
  const error = parseAzureError(answer.text);
  const message = `${what}: ${quoteError(error, answer.status)}`;
  return new ArmError(message, { status: answer.status, code: error.code });
}

/** Somebody else wrote or is writing, or our plan was made for a gate that has changed since. */
const passingCodes = new Set([
  "AnotherOperationInProgress",
  "Canceled",
  "CanceledAndSupersededDueToAnotherOperation",
  // Of firewalls: an update came to nothing on a firewall. What is in effect there, only another update can settle.
  "FirewallPolicyUpdateFailed",
  "IpGroupsUpdateFailed",
  "PreconditionFailed",
  "PreconditionFailedEtagMismatch",
  "ReferencedResourceNotProvisioned",
  "RetryableError",
  "RetryableErrorDueToAnotherOperation",
  "SecurityRuleConflict",
  "TooManyRequests",
]);

/** Of firewalls: somebody took the priority since the gate was read. No source names the code; it is told by its words. */
const priorityCode = /priority.*(conflict|duplicate|inuse)|(conflict|duplicate).*priority/i;

const goneCodes = new Set(["NotFound", "ResourceNotFound", "ResourceGroupNotFound"]);

/**
 * The gate has no room for what was asked. NB. No source names the code for too many DNAT rules of a firewall: any that speaks of
 * both counts, and one that does not is a refusal all the same.
 */
const fullCode =
  /^SecurityRuleCountLimitReached$|(dnat|natrule).*(limit|exceed|toomany)|(limit|exceed|toomany).*(dnat|natrule)/i;

/** Refusals that may come with 409, or in the result of an operation, where no status tells. */
const lastingCodes = new Set([
  "AuthorizationFailed",
  "DenyAssignmentAuthorizationFailed",
  "LinkedAuthorizationFailed",
  "ReadOnlyDisabledSubscription",
  "RequestDisallowedByPolicy",
  "ScopeLocked",
]);

/** 4xx answers that say "not now" rather than "no". */
const passingStatuses = new Set([408, 409, 412, 423, 425, 429]);

/** What became of a write that is over. */
type Ended = Exclude<WriteOutcome, { readonly outcome: "started" }>;

/** A write that did not come to be: an answer (`status`), or the result of an operation (none). */
export interface WriteFailure {
  readonly status?: number | undefined;
  readonly error: AzureError;
  readonly retryAfterMs?: number | undefined;
}

/** What a failed write means for whoever asked for it. When in doubt `changed`: reading again tells what is true. */
export function outcomeOfFailure(failure: WriteFailure, gateId: string): Ended {
  const { error, status } = failure;
  const codes = [error.code, ...error.details.map((detail) => detail.code)];
  const detail = quoteError(error, status);
  const refuse = (code: ReasonCode): Ended => ({
    outcome: "refused",
    reason: {
      code,
      message: `Azure refuses the write to '${gateName(gateId)}': ${detail}`,
      target: gateId,
    },
  });

  if (codes.some((code) => fullCode.test(code))) {
    return refuse("GateFull");
  }
  if (codes.some((code) => lastingCodes.has(code))) {
    return refuse("GateNotWritable");
  }
  if (codes.some((code) => passingCodes.has(code) || priorityCode.test(code))) {
    return changed(detail, failure.retryAfterMs);
  }
  if (status === 404 || goneCodes.has(error.code)) {
    return refuse("GateNotFound");
  }
  return isLasting(status, error.code)
    ? refuse("GateNotWritable")
    : changed(detail, failure.retryAfterMs);
}

/** The gate has to be read again; so also when nobody can say what became of the write. */
export function changed(detail: string, retryAfterMs: number = defaultRetryAfterMs): Ended {
  return { outcome: "changed", detail, retryAfterMs };
}

const invalidCode =
  /^(SecurityRule|Invalid|AzureFirewall)|^FirewallPolicy.*(Invalid|Duplicate|Missing|NotAllowed|NotSupported)/;

function isLasting(status: number | undefined, code: string): boolean {
  if (status === undefined) {
    // The result of an operation: validation codes name what is wrong, all else may be Azure's own trouble.
    return invalidCode.test(code) && !/(failed|faulted|inprogress|updating)/i.test(code);
  }
  return status >= 400 && status < 500 && !passingStatuses.has(status);
}
