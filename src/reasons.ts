import type { z } from "zod";

/**
 * Every code with which JIT Access refuses or fails, a sentence each. Codes are stable: clients, the audit and the docs
 * rely on them. The groups say whose move it is.
 */
export const reasonCodes = {
  // The caller's move.
  InvalidRequestContent: "The body is not JSON, or a field of it has the wrong type or value.",
  InvalidPolicy: "The policy's body does not describe what may be opened.",
  InvalidInitiateInput: "The request's body does not describe what to open, or until when.",
  InvalidQuery: "A query parameter has a value that is not understood.",
  RequestNotSubsetOfPolicy: "The port, source or time asked for is outside what the policy allows.",
  PolicyNotFound: "No policy of that name exists there.",
  ResourceNotFound: "Nothing exists at that address.",
  MethodNotAllowed: "The route exists, but not with that method.",
  RequestContentTooLarge: "The body is larger than 4 MiB.",
  VirtualMachineNotFound: "A named virtual machine does not exist.",
  ClassicVirtualMachineNotSupported:
    "Classic virtual machines have no network security groups that could be held closed.",
  VirtualMachineInAnotherSubscription:
    "A named virtual machine is not in the policy's subscription.",
  VirtualMachineInAnotherLocation: "A named virtual machine is not in the policy's location.",
  NetworkSecurityGroupMissing:
    "No network security group stands in front of the virtual machine, so nothing can hold a port closed.",
  NoAddressForSource: "The virtual machine has no address of the source's family (IPv4 or IPv6).",
  BlockedByCustomerRule:
    "A rule that is not ours denies the traffic before our allow rule would be reached.",
  ExposedByCustomerRule:
    "A rule that is not ours keeps a protected port open in front of our deny rule.",
  WindowOver: "The time asked for had passed before the port could be opened.",
  AuthenticationFailed:
    "The bearer token is missing, malformed, expired, or not meant for this service.",
  AuthorizationFailed: "The caller lacks a role-based access control action on a scope.",
  PolicyChangedMeanwhile: "Somebody else changed the policy at the same moment.",
  // The operator's move.
  GateFull: "The network security group has no free priority or place for another rule.",
  GateNotWritable:
    "Azure refuses our write to the network security group (missing right, lock or validation).",
  GateNotFound: "The network security group does not exist any more.",
  NotSettledInTime: "The network security group could not be brought to its rules in time.",
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

/** The answer of everything that may refuse: a value, or every reason why not. */
export type Outcome<T> = { readonly outcome: "ok"; readonly value: T } | Refusal;

/** Every reason why not. */
export interface Refusal {
  readonly outcome: "refused";
  readonly reasons: readonly Reason[];
}

export const ok = <T>(value: T): Outcome<T> => ({ outcome: "ok", value });
export const refused = (...reasons: readonly Reason[]): Refusal => ({
  outcome: "refused",
  reasons,
});

/** What a zod schema found wrong, as reasons that name field, value and what was expected. */
export function reasonsFrom(error: z.ZodError, code: ReasonCode): readonly Reason[] {
  return error.issues.flatMap(leaves).map((issue) => {
    const target = pathText(issue.path);
    const given = describe(issue.input);
    return {
      code,
      message: `${target === "" ? "The body" : `'${target}'`}${given}: ${issue.message}`,
      ...(target === "" ? {} : { target }),
    };
  });
}

/** A union's own issue says nothing: the branch for a value of that type knows what is wrong with it. */
function leaves(issue: z.core.$ZodIssue): readonly z.core.$ZodIssue[] {
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
    return ` is '${input.slice(0, 80)}'`;
  }
  if (typeof input === "number" || typeof input === "boolean" || input === null) {
    return ` is ${String(input)}`;
  }
  return "";
}
