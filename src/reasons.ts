import type { z } from "zod";

/**
 * Every code with which JIT Access refuses or fails, a sentence each. Codes are stable: clients, the audit and the docs
 * rely on them. The groups say whose move it is.
 */
export const reasonCodes = {
  // The caller's move.
  InvalidRequestContent:
    "The body is not JSON, is nested too deep, or a field of it has the wrong type or value.",
  InvalidPolicy: "The policy's body does not describe what may be opened.",
  InvalidInitiateInput: "The request's body does not describe what to open, or until when.",
  InvalidQuery: "A query parameter has a value that is not understood, or is given twice.",
  RequestNotSubsetOfPolicy: "The port, source or time asked for is outside what the policy allows.",
  JustificationRequired:
    "The policy's rules ask for a justification, and there is none that says something.",
  JustificationNotMatching: "The justification is not of the form that the policy's rules ask for.",
  AnySourceNotAllowed:
    "The sources are everything, or as good as, and the policy's rules do not allow that.",
  SourceTooWide: "A source, alone or with its neighbours, is wider than the policy's rules allow.",
  PolicyNotFound: "No policy of that name exists there.",
  ResourceNotFound: "Nothing exists at that address.",
  MethodNotAllowed: "The route exists, but not with that method.",
  RequestContentTooLarge: "The body is larger than 4 MiB.",
  VirtualMachineNotFound: "A named virtual machine does not exist.",
  ClassicVirtualMachineNotSupported:
    "Classic virtual machines have no network security group or firewall before them that could hold them closed.",
  VirtualMachineInAnotherSubscription:
    "A named virtual machine is not in the policy's subscription.",
  VirtualMachineInAnotherLocation: "A named virtual machine is not in the policy's location.",
  NetworkSecurityGroupMissing:
    "Neither a network security group nor a firewall that this service can manage stands in front of the virtual machine, so nothing can hold a port closed.",
  NoAddressForSource: "The virtual machine has no address of the source's family (IPv4 or IPv6).",
  FirewallWithoutPublicAddress:
    "Neither the virtual machine nor the firewall in front of it has a public address by which the source could come.",
  BlockedByCustomerRule:
    "A rule that is not ours denies the traffic before our allow rule would be reached.",
  ExposedByCustomerRule:
    "A rule that is not ours keeps a protected port open in front of our deny rule.",
  WindowOver: "The time asked for had passed before the port could be opened.",
  EndedBeforeOpen: "Somebody ended the request before the port was open.",
  SelfApproval: "Nobody approves, denies or reviews a request of their own.",
  NotAnApprover: "The caller is not among those whom the policy lets answer.",
  RequestNotPending: "The request does not wait for an answer any more.",
  ApprovalMissing: "The policy wants an approval that the request does not have, or has no longer.",
  BreakGlassNotAllowed: "The caller is not among those whom the policy lets open in an emergency.",
  NothingToReview: "Only break-glass requests are reviewed afterwards.",
  AccountDisabled: "The account of the requestor, or of who answers, is disabled or deleted.",
  RequestNotOpen: "Only what is open can be extended, or moved to another source.",
  NotTheRequestor: "Only the requestor may ask for more time, or for another source.",
  AskedTooOften: "The request was extended or moved so often that it has to be asked for anew.",
  TooManyPending: "The requestor has too many requests that are not over yet.",
  NotLonger: "The new end is not after the present one.",
  IdempotencyKeyReused: "The same Idempotency-Key came with another request before.",
  AuthenticationFailed:
    "The bearer token is missing, malformed, expired, or not meant for this service.",
  CrossSiteRequest:
    "The call is signed in by a cookie, and nothing shows that no other site made the browser send it.",
  TooManyRequests:
    "More calls than one caller or address may make; wait as long as Retry-After says.",
  RequestHeadersTooLarge: "There are too many headers, or they are too long.",
  RequestUriTooLong: "The address is too long.",
  AuthorizationFailed: "The caller lacks a role-based access control action on a scope.",
  PolicyChangedMeanwhile: "Somebody else changed the policy at the same moment.",
  GateTooSlow:
    "A firewall in front of the virtual machine takes longer for its updates than the time asked for leaves it.",
  // The operator's move.
  GateFull: "The gate has no free priority, public port or place for another rule.",
  GateBusy:
    "Azure does not take our update of a firewall now, or another update runs there; it is tried until it is taken.",
  GateNotWritable: "Azure refuses our write to the gate (missing right, lock or validation).",
  GateNotFound: "The gate does not exist any more.",
  GateUpdateFailed: "Azure did not bring an update of a firewall to its end; it is tried again.",
  UnprotectedPath:
    "The virtual machine has an address that neither a network security group nor a firewall covers.",
  NotSettledInTime: "The gate could not be brought to its rules in time.",
  NotVerifiedInTime:
    "A month holds more activity than can be verified in one call; the operator's command can.",
  FirewallOnly:
    "Only a firewall holds an address of the virtual machine, and it does not see what comes from inside its virtual network.",
  FirewallNotManaged:
    "Routes lead to the virtual machine through something that is no firewall this service can manage or see.",
  // Found by a sweep, and put right.
  RuleMissing: "A rule of ours was gone from a gate.",
  RuleEdited: "A rule of ours did not say any more what it should.",
  RuleUnexpected: "A rule stood under a name of ours that nobody had asked for.",
  RuleOverdue: "A rule of ours that storage did not know stood past the end in its description.",
  LeftoverRemoved: "A rule that Microsoft Defender for Cloud had left behind was removed.",
  PlaceChanged:
    "A virtual machine's addresses, network security groups or firewalls were not those that were known.",
  // Nobody's move but ours.
  InternalError: "An unforeseen fault; the request id finds it in the log.",
  ServiceUnavailable: "Something this service needs did not answer; try again.",
} as const;

export type ReasonCode = keyof typeof reasonCodes;

/** One reason for a refusal or a failure: what is wrong, where, and what was expected instead. */
export interface Reason {
  readonly code: ReasonCode;
  readonly message: string;
  /** The field, parameter or resource at fault, such as `properties.virtualMachines[0].ports[1].number`. */
  readonly target?: string;
}

/** A reason that is told beside a result, of one virtual machine where it speaks about one. */
export interface Finding extends Reason {
  readonly vmId?: string;
}

/** The answer of everything that may refuse: a value, or every reason why not. */
export type Outcome<T> = { readonly outcome: "ok"; readonly value: T } | Refusal;

/** Every reason why not. */
export interface Refusal {
  readonly outcome: "refused";
  readonly reasons: readonly Reason[];
}

/** How much is said at most, whatever the input: reasons are answered, logged and stored. */
export const reasonLimits = { reasons: 100, message: 500, target: 300, quoted: 80 } as const;

export const ok = <T>(value: T): Outcome<T> => ({ outcome: "ok", value });
export const refused = (...reasons: readonly Reason[]): Refusal => refusedFor(reasons);

/** As {@link refused}, for a list that may be long: it is cut as {@link bounded} cuts it. */
export function refusedFor(reasons: readonly Reason[]): Refusal {
  return { outcome: "refused", reasons: bounded(reasons) };
}

/**
 * The first reasons, each of bounded length, then one that says how many more there are. `more` are those that were counted and not
 * even made: there are to be `most` others then.
 */
export function bounded<T extends Reason>(
  reasons: readonly T[],
  most: number = reasonLimits.reasons,
  more = 0,
): readonly (T | Reason)[] {
  return first(reasons, most, within, more);
}

/** A text from outside in quotes for a message, cut when it is long. */
export function quote(text: string, most: number = reasonLimits.quoted): string {
  return `'${cut(text, most)}'`;
}

/** A list for a message: its first entries, and how many more there are. */
export function firstFew(entries: readonly (string | number)[], most: number): string {
  const listed = entries.slice(0, most).join(", ");
  return entries.length > most ? `${listed} and ${entries.length - most} more` : listed;
}

/** What a zod schema found wrong, as reasons that name field, value and what was expected. */
export function reasonsFrom(error: z.ZodError, code: ReasonCode): readonly Reason[] {
  return first(error.issues.flatMap(leaves), reasonLimits.reasons, (issue) => {
    const target = pathText(issue.path);
    const message = `${target === "" ? "The body" : `'${target}'`}${describe(issue.input)}: ${issue.message}`;
    return within({ code, message, ...(target === "" ? {} : { target }) });
  });
}

/** NB. One more than `most` is listed rather than counted: a list that was cut already is not cut again. */
function first<T, R extends Reason>(
  items: readonly T[],
  most: number,
  reasonOf: (item: T) => R,
  more = 0,
): readonly (R | Reason)[] {
  const count = items.length + more;
  if (count <= most + 1) {
    return items.map(reasonOf);
  }
  const listed = items.slice(0, most).map(reasonOf);
  const code = listed.at(-1)?.code ?? "InternalError";
  return [...listed, { code, message: `${count - most} more like these are not listed.` }];
}

function within<T extends Reason>(reason: T): T {
  const { message, target } = reason;
  return {
    ...reason,
    message: cut(message, reasonLimits.message),
    ...(target === undefined ? {} : { target: cut(target, reasonLimits.target) }),
  };
}

/** NB. Never through the middle of a character. */
function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

/**
 * The issues that say what is wrong where: one for each unknown member; and a union's own issue says nothing, but the branch for a
 * value of that type does.
 */
function leaves(issue: z.core.$ZodIssue): readonly z.core.$ZodIssue[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      ...issue,
      path: [...issue.path, key],
      // Its value, where one sentence can show it.
      input: Object(issue.input)[key] ?? null,
    }));
  }
  if (issue.code !== "invalid_union") {
    return [issue];
  }
  const isOfOtherType = (branch: readonly z.core.$ZodIssue[]) =>
    branch.some((each) => each.code === "invalid_type" && each.path.length === 0);
  const branch = issue.errors.find((each) => !isOfOtherType(each)) ?? issue.errors[0] ?? [];
  return branch.map((each) => ({ ...each, path: [...issue.path, ...each.path] })).flatMap(leaves);
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("")
    .replace(/^\./, "");
}

/** The offending value for a message: scalars short and quoted, anything larger by its kind alone. */
function describe(input: unknown): string {
  if (input === undefined) {
    return " is missing";
  }
  if (typeof input === "string") {
    return ` is ${quote(input)}`;
  }
  if (typeof input === "number" || typeof input === "boolean" || input === null) {
    return ` is ${String(input)}`;
  }
  return "";
}
