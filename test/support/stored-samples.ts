import { randomUUID } from "node:crypto";
import type { AccessRequest } from "../../src/access/request.ts";
import type { Fact } from "../../src/activity/fact.ts";
import type { Policy } from "../../src/policy/policy.ts";
import type { DesiredDeny, DesiredWindow } from "../../src/rules/intent.ts";
import type { GateWriting } from "../../src/rules/writing.ts";

export const subscriptionId = "11111111-2222-3333-4444-555555555555";
export const groupId = `/subscriptions/${subscriptionId}/resourceGroups/Shop`;
export const gateId = `${groupId}/providers/Microsoft.Network/networkSecurityGroups/Web-NSG`;

/** The id of a VM in the sample resource group. */
export function vmId(name: string): string {
  return `${groupId}/providers/Microsoft.Compute/virtualMachines/${name}`;
}

/** The id of a policy in the sample resource group. */
export function policyId(name: string, location = "westeurope"): string {
  return `${groupId}/providers/Microsoft.Security/locations/${location}/jitNetworkAccessPolicies/${name}`;
}

export function aDeny(fields: Partial<DesiredDeny> = {}): DesiredDeny {
  return {
    policyId: policyId("default"),
    vmId: vmId("web1"),
    vmKey: "0123456789abcdef",
    addresses: ["10.0.0.4"],
    ports: [22, 3389],
    ...fields,
  };
}

/** A write that is about to begin: a rule of a VM comes, and one of no known VM goes. */
export const aWriting: GateWriting = {
  id: "ann-1",
  vms: [
    { vmId: vmId("web-1"), rules: [{ name: "JitAccess-1", after: "a1" }] },
    { rules: [{ name: "JitAccess-2", before: "b2" }] },
  ],
};

export function aWindow(fields: Partial<DesiredWindow> = {}): DesiredWindow {
  return {
    windowId: `${randomUUID()}-0-22`,
    requestId: "a0a0a0a0-0000-4000-8000-000000000000",
    policyId: policyId("default"),
    vmId: vmId("web1"),
    addresses: ["10.0.0.4"],
    port: 22,
    protocol: "TCP",
    sources: ["203.0.113.7"],
    closesAt: "2026-03-01T12:00:00.000Z",
    ...fields,
  };
}

export function aPolicy(fields: Partial<Policy> = {}): Policy {
  return {
    id: policyId("default"),
    subscriptionId,
    resourceGroup: "Shop",
    location: "westeurope",
    name: "default",
    kind: "Basic",
    virtualMachines: [],
    gates: [gateId],
    state: "settled",
    changedAt: "2026-03-01T08:00:00.000Z",
    ...fields,
  };
}

export function aRequest(fields: Partial<AccessRequest> = {}): AccessRequest {
  return {
    id: randomUUID(),
    policyId: policyId("default"),
    requestor: { tenantId: "tenant", objectId: "object", name: "alice" },
    createdAt: "2026-03-01T09:00:00.000Z",
    windows: [],
    ...fields,
  };
}

export function aFact(fields: Partial<Fact> = {}): Fact {
  return {
    version: 1,
    id: randomUUID(),
    at: "2026-03-01T09:00:00.000Z",
    operation: "access.open",
    outcome: "done",
    subscriptionId,
    vmId: vmId("web1"),
    ...fields,
  };
}
