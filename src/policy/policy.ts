import type { Origin, Requestor } from "../access/request.ts";
import type { Finding } from "../reasons.ts";
import type { AccessRules } from "./access-rules.ts";
import type { Change } from "./changes.ts";
import type { VmChange } from "./vm-changes.ts";

/** The ARM type of a policy. */
export const policyType = "Microsoft.Security/locations/jitNetworkAccessPolicies";

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
  /** Whether its deny rules go before customer rules that let traffic to its ports through. Ours, not in Azure's API. */
  readonly takePriority?: boolean | undefined;
  /** What requests have to say and who has to agree. Ours, not in Azure's API. */
  readonly accessRules?: AccessRules | undefined;
  /** Ids of the gates that carry, or may still carry, deny rules for this policy. */
  readonly gates: readonly string[];
  /** By VM key, the public address of the firewall in front of it, as it was last looked at. */
  readonly firewallAddresses?: Readonly<Record<string, string>> | undefined;
  /** Ways to its VMs that no gate covers, as they were last looked at. */
  readonly unprotectedPaths?: readonly Finding[] | undefined;
  /** Those of them by which a protected port can be reached outside any window, as the audit was told, and when it was told last (ISO 8601). */
  readonly exposed?: readonly Finding[] | undefined;
  readonly exposedAt?: string | undefined;
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
  /** From where, and in which call, it was asked for. */
  readonly origin?: Origin | undefined;
  /** How it changes the rules about requests; absent when it does not. */
  readonly accessRules?: readonly Change[] | undefined;
  /** How it changes what may be opened on its VMs; those that stay as they were are not there. */
  readonly virtualMachines?: readonly VmChange[] | undefined;
}

/** The part of a policy that a PUT body decides. */
export interface PolicyContent {
  readonly kind: string;
  readonly virtualMachines: readonly PolicyVirtualMachine[];
  /** Absent keeps what is stored, as clients that do not know it leave it out; null removes it. */
  readonly takePriority?: boolean | null | undefined;
  /** Likewise; what is given replaces the stored rules as a whole. */
  readonly accessRules?: AccessRules | null | undefined;
}

/** The sources a port rule allows: `*`, addresses, CIDR ranges. */
export function allowedSources(rule: PortRule): readonly string[] {
  return rule.allowedSourceAddressPrefixes ?? [rule.allowedSourceAddressPrefix ?? "*"];
}
