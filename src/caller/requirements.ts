/**
 * What a caller has to be granted for each act, as Microsoft documents it for just-in-time VM access
 * (learn.microsoft.com, "Enable just-in-time access on VMs", permissions), and on every VM's own scope.
 */
import { type CallerRights, createJudge, type Requirement } from "./permissions.ts";

/** The actions JIT Access asks for, by what a person wants to do (Microsoft's own action names). */
export const actions = {
  readPolicy: "Microsoft.Security/locations/jitNetworkAccessPolicies/read",
  writePolicy: "Microsoft.Security/locations/jitNetworkAccessPolicies/write",
  deletePolicy: "Microsoft.Security/locations/jitNetworkAccessPolicies/delete",
  initiate: "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action",
  readMachine: "Microsoft.Compute/virtualMachines/read",
  writeMachine: "Microsoft.Compute/virtualMachines/write",
} as const;

/** Microsoft's documented requester role reads with `J/{any}/read`, which does not match `J/read`; either is enough to read. */
const nestedRead = "Microsoft.Security/locations/jitNetworkAccessPolicies/requests/read";

/** To ask for access to VMs under a policy: the right to ask, on the VM or on the policy, and to see each VM. */
export function toRequest(policyId: string, vmIds: readonly string[]): readonly Requirement[] {
  return vmIds.flatMap((vmId) => [
    { action: actions.initiate, scopes: [vmId, policyId] },
    { action: actions.readMachine, scopes: [vmId] },
  ]);
}

/** To write a policy, VMs left aside. */
export function toWritePolicy(policyId: string): readonly Requirement[] {
  return [{ action: actions.writePolicy, scopes: [policyId] }];
}

/** To delete a policy, VMs left aside. */
export function toDeletePolicy(policyId: string): readonly Requirement[] {
  return [{ action: actions.deletePolicy, scopes: [policyId] }];
}

/**
 * To put VMs under a policy, or to take protection away from them.
 * NB. On each VM's own scope: nobody guards or lays open a stranger's VM through a policy of their own.
 */
export function toConfigureVms(vmIds: readonly string[]): readonly Requirement[] {
  return vmIds.map((vmId) => ({ action: actions.writeMachine, scopes: [vmId] }));
}

/** Tells of many scopes whether the caller may read policies on one of them: on a VM's own scope, or on its policy's. */
export function createReader(
  rights: CallerRights,
): (...scopes: readonly [string, ...(readonly string[])]) => boolean {
  const judge = createJudge(rights);
  return (...scopes) =>
    judge({ action: actions.readPolicy, orAction: nestedRead, scopes }).outcome === "granted";
}
