import { z } from "zod";
import type { Requestor } from "../access/request.ts";
import {
  type Outcome,
  ok,
  quote,
  type Reason,
  reasonsFrom,
  refused,
  refusedFor,
} from "../reasons.ts";
import { isPrefix, parsePrefix } from "../rules/cidr.ts";
import { durationSeconds } from "./duration.ts";
import { idKey, isClassicVirtualMachineId, parseVirtualMachineId } from "./resource-id.ts";
import { member, sizeFault } from "./size.ts";

/** The ARM type of a policy. */
export const policyType = "Microsoft.Security/locations/jitNetworkAccessPolicies";

/** Shortest and longest `maxRequestAccessDuration` in seconds: PT5M and P1D (REST specification 2020-01-01). */
const accessDurationLimits = { shortest: 300, longest: 86_400 } as const;

/** What one policy may list in all. */
const policyLimits = {
  "virtual machines": 1_000,
  ports: 10_000,
  sources: 100_000,
} as const;

/** Protocols of a port rule. `*` is any protocol. */
export const protocols = ["TCP", "UDP", "*"] as const;
export type Protocol = (typeof protocols)[number];

/** One protected port of a VM, in the API's own shape; exactly one of the two source fields is there. */
export interface PortRule {
  readonly number: number;
  readonly protocol: Protocol;
  readonly allowedSourceAddressPrefix?: string | undefined;
  readonly allowedSourceAddressPrefixes?: readonly string[] | undefined;
  readonly maxRequestAccessDuration: string;
}

/** A protected VM. `publicIpAddress` is that of an Azure Firewall in front of it. */
export interface PolicyVirtualMachine {
  readonly id: string;
  readonly ports: readonly PortRule[];
  readonly publicIpAddress?: string | undefined;
}

/** What may be opened: VMs, their ports, protocols, allowed sources and longest windows. */
export interface Policy {
  /** The policy's ARM id, as it was first written. Compare with {@link idKey}. */
  readonly id: string;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly location: string;
  readonly name: string;
  readonly kind: string;
  readonly virtualMachines: readonly PolicyVirtualMachine[];
  /** Ids of the gates that carry, or may still carry, deny rules for this policy. */
  readonly gates: readonly string[];
  /** `updating` until every gate is settled, `deleting` until every gate has let go. Work left over is taken up by the sweep. */
  readonly state: "updating" | "settled" | "deleting";
  /** When the policy was last changed, ISO 8601. */
  readonly changedAt: string;
  /** What that change was: kept, so that whoever finishes it can tell the audit. */
  readonly change?: PolicyChange | undefined;
}

/** One change of a policy, as the audit tells it. */
export interface PolicyChange {
  /** The id of the call that asked for it. */
  readonly id: string;
  readonly operation: "policy.write" | "policy.delete";
  readonly actor: Requestor;
  /** The VMs it concerns: those it names and those it drops. */
  readonly vmIds: readonly string[];
}

/** The part of a policy that a PUT body decides. */
export interface PolicyContent {
  readonly kind: string;
  readonly virtualMachines: readonly PolicyVirtualMachine[];
}

// Clients are known to send a port as text and a single prefix as an array; both are understood (REST samples, azapi).
const portNumber = z.preprocess(
  (value) => (typeof value === "string" && /^\d{1,5}$/.test(value) ? Number(value) : value),
  z
    .int("expected a whole number from 0 to 65535")
    .min(0, "expected a number from 0 to 65535")
    .max(65_535, "expected a number from 0 to 65535"),
);

/** A source: `*`, an address or a CIDR range; canonical text out. */
export const sourcePrefix = z
  .string("expected an address, a CIDR range or '*'")
  .transform((text, context) => {
    if (text === "*") {
      return text;
    }
    const prefix = parsePrefix(text);
    if (isPrefix(prefix)) {
      return prefix.text;
    }
    context.issues.push({
      code: "custom",
      message: `${prefix.fault}; expected an address, a CIDR range or '*'`,
      input: text,
    });
    return z.NEVER;
  });

const sourcePrefixes = z
  .array(sourcePrefix)
  .min(1, "expected at least one source")
  .max(200, "expected at most 200 sources");

const accessDuration = z
  .string("expected an ISO 8601 duration from PT5M to P1D")
  .check((context) => {
    const seconds = durationSeconds(context.value);
    if (
      seconds === undefined ||
      seconds < accessDurationLimits.shortest ||
      seconds > accessDurationLimits.longest
    ) {
      context.issues.push({
        code: "custom",
        message: "expected an ISO 8601 duration from PT5M to P1D",
        input: context.value,
      });
    }
  });

const portRule = z
  .object({
    number: portNumber,
    protocol: z.preprocess(
      (value) => (typeof value === "string" ? value.toUpperCase() : value),
      z.enum(protocols, "expected TCP, UDP or *"),
    ),
    allowedSourceAddressPrefix: z.union([sourcePrefix, sourcePrefixes]).nullish(),
    allowedSourceAddressPrefixes: sourcePrefixes.nullish(),
    maxRequestAccessDuration: accessDuration,
  })
  .check((context) => {
    const { allowedSourceAddressPrefix: one, allowedSourceAddressPrefixes: many } = context.value;
    if ((one ?? undefined) === undefined && (many ?? undefined) === undefined) {
      context.issues.push({
        code: "custom",
        path: ["allowedSourceAddressPrefix"],
        message:
          "expected allowedSourceAddressPrefix or allowedSourceAddressPrefixes; write '*' to allow any source",
        input: one,
      });
    } else if ((one ?? undefined) !== undefined && (many ?? undefined) !== undefined) {
      context.issues.push({
        code: "custom",
        path: ["allowedSourceAddressPrefixes"],
        message: "expected only one of allowedSourceAddressPrefix and allowedSourceAddressPrefixes",
        input: many,
      });
    }
  })
  .transform(
    ({
      allowedSourceAddressPrefix: one,
      allowedSourceAddressPrefixes: many,
      ...rest
    }): PortRule => {
      const list = Array.isArray(one) ? one : (many ?? undefined);
      return list === undefined
        ? { ...rest, allowedSourceAddressPrefix: typeof one === "string" ? one : "*" }
        : { ...rest, allowedSourceAddressPrefixes: list };
    },
  );

const policyVirtualMachine = z.object({
  id: z.string("expected a virtual machine's resource id"),
  ports: z
    .array(portRule, "expected a list of ports")
    .min(1, "expected at least one port")
    .max(100, "expected at most 100 ports"),
  publicIpAddress: z
    .string()
    .max(500, "expected an address or a resource id")
    .nullish()
    .transform((value) => value ?? undefined),
});

/** The body of a policy PUT. Read-only and unknown members are ignored, as ARM does; so is the history in `requests`. */
const policyBody = z.object({
  kind: z
    .string()
    .max(64)
    .nullish()
    .transform((value) => value ?? "Basic"),
  properties: z.object(
    {
      virtualMachines: z
        .array(policyVirtualMachine, "expected a list of virtual machines")
        .min(1, "expected at least one virtual machine")
        .max(policyLimits["virtual machines"], "expected at most 1,000 virtual machines"),
    },
    "expected an object",
  ),
});

/** Reads a PUT body for a policy in `subscriptionId`, or says everything that is wrong with it. */
export function parsePolicy(body: unknown, subscriptionId: string): Outcome<PolicyContent> {
  const tooLarge = sizeFault(member(member(body, "properties"), "virtualMachines"), policyLimits, {
    code: "InvalidPolicy",
    target: "properties.virtualMachines",
  });
  if (tooLarge !== undefined) {
    return refused(tooLarge);
  }
  const parsed = policyBody.safeParse(body, { reportInput: true });
  if (!parsed.success) {
    return refusedFor(reasonsFrom(parsed.error, "InvalidPolicy"));
  }
  const { kind, properties } = parsed.data;
  const reasons = [
    ...properties.virtualMachines.flatMap((vm, index) =>
      virtualMachineFaults(vm, index, subscriptionId),
    ),
    ...duplicateFaults(properties.virtualMachines),
  ];
  return reasons.length > 0
    ? refusedFor(reasons)
    : ok({ kind, virtualMachines: properties.virtualMachines });
}

function virtualMachineFaults(
  vm: PolicyVirtualMachine,
  index: number,
  subscriptionId: string,
): readonly Reason[] {
  const target = `properties.virtualMachines[${index}].id`;
  const fault = virtualMachineIdFault(vm.id, subscriptionId, target);
  const numbers = vm.ports.map((port) => port.number);
  const [twice] = repeated(numbers);
  return [
    ...(fault === undefined ? [] : [fault]),
    ...(twice === undefined
      ? []
      : [
          {
            code: "InvalidPolicy",
            message: `Port ${numbers[twice]} is listed twice; list each port once, with protocol '*' if it is to serve several protocols.`,
            target: `properties.virtualMachines[${index}].ports[${twice}].number`,
          } as const,
        ]),
  ];
}

function duplicateFaults(machines: readonly PolicyVirtualMachine[]): readonly Reason[] {
  return repeated(machines.map((vm) => idKey(vm.id))).map((index) => ({
    code: "InvalidPolicy",
    message: `${quote(machines[index]?.id ?? "")} is listed twice; list each virtual machine once with all its ports.`,
    target: `properties.virtualMachines[${index}].id`,
  }));
}

/** The positions of entries that stood earlier in the list already. */
export function repeated(entries: readonly unknown[]): readonly number[] {
  const firstAt = new Map(entries.map((entry, index) => [entry, index] as const).toReversed());
  return entries.flatMap((entry, index) => (firstAt.get(entry) === index ? [] : [index]));
}

/** Why an id cannot name a VM under a policy of this subscription, or nothing when it can. */
export function virtualMachineIdFault(
  id: string,
  subscriptionId: string,
  target: string,
): Reason | undefined {
  if (isClassicVirtualMachineId(id)) {
    return {
      code: "ClassicVirtualMachineNotSupported",
      message: `${quote(id)} is a classic virtual machine; only Azure Resource Manager virtual machines can be protected.`,
      target,
    };
  }
  const parsed = parseVirtualMachineId(id);
  if (parsed === undefined) {
    return {
      code: "InvalidPolicy",
      message: `${quote(id)} is not a virtual machine's resource id; expected /subscriptions/{id}/resourceGroups/{name}/providers/Microsoft.Compute/virtualMachines/{name}.`,
      target,
    };
  }
  if (parsed.subscriptionId.toLowerCase() !== subscriptionId.toLowerCase()) {
    return {
      code: "VirtualMachineInAnotherSubscription",
      message: `${quote(id)} is in another subscription than the policy (${subscriptionId}).`,
      target,
    };
  }
  return undefined;
}

/** The sources a port rule allows: `*`, addresses, CIDR ranges. */
export function allowedSources(rule: PortRule): readonly string[] {
  return rule.allowedSourceAddressPrefixes ?? [rule.allowedSourceAddressPrefix ?? "*"];
}
