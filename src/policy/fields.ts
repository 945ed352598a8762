/** Fields that the bodies of a policy and of an initiate have in common. */
import { z } from "zod";
import { quote, type Reason } from "../reasons.ts";
import { isPrefix, parsePrefix } from "../rules/cidr.ts";
import { isClassicVirtualMachineId, parseVirtualMachineId } from "./resource-id.ts";

// Clients are known to send a port as text and a single prefix as an array; both are understood (REST samples, azapi).
/** A port, also as text. */
export const portNumber = z.preprocess(
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
      message: `${prefix.fault}${prefix.fault.endsWith("?") ? " Expected" : "; expected"} an address, a CIDR range or '*'`,
      input: text,
    });
    return z.NEVER;
  });

/** Refuses a body that names sources in both of the fields that are there for it. */
export function refuseBothSources(context: {
  readonly value: {
    readonly allowedSourceAddressPrefix?: unknown;
    readonly allowedSourceAddressPrefixes?: unknown;
  };
  readonly issues: z.core.$ZodRawIssue[];
}): void {
  const { allowedSourceAddressPrefix: one, allowedSourceAddressPrefixes: many } = context.value;
  if ((one ?? undefined) !== undefined && (many ?? undefined) !== undefined) {
    const message =
      "expected only one of allowedSourceAddressPrefix and allowedSourceAddressPrefixes";
    const path = ["allowedSourceAddressPrefixes"];
    context.issues.push({ code: "custom", path, message, input: many });
  }
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
