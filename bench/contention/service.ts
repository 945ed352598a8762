import { setTimeout as pauseFor } from "node:timers/promises";
import { SecurityCenter } from "@azure/arm-security";
import type { Endpoints } from "../../local/endpoints.ts";
import { signIn } from "../../local/sign-in.ts";
import { type Access, group, location, port } from "../crowd.ts";

const policyName = "crowd";
/** Far beyond the measurement: no window ends in it. */
const windowMs = 3_600_000;

/** Everybody's way through the service, signed in and with the policy in place. */
export interface Service {
  /** All ask at once; resolves when the last one has been answered. */
  ask(): Promise<void>;
  /** How many requestors are told that theirs is open: all, or those who are when it is over. Throws when one cannot be opened. */
  untilToldOpen(over: AbortSignal): Promise<number>;
}

export async function prepareService(
  endpoints: Endpoints,
  accesses: readonly Access[],
): Promise<Service> {
  const policiesOf = async (person: string) => {
    const { credential, tlsOptions } = await signIn(endpoints, person, endpoints.audience);
    await credential.getToken([]);
    return new SecurityCenter(credential, endpoints.subscriptionId, {
      endpoint: endpoints.apiHttps,
      credentialScopes: [`${endpoints.audience}/.default`],
      tlsOptions,
    }).jitNetworkAccessPolicies;
  };
  const vmId = ({ vmName }: Access) =>
    `/subscriptions/${endpoints.subscriptionId}/resourceGroups/${group}/providers/Microsoft.Compute/virtualMachines/${vmName}`;
  const terms = {
    protocol: "TCP",
    allowedSourceAddressPrefix: "*",
    maxRequestAccessDuration: "PT3H",
  };
  const owner = await policiesOf("olivia");
  await owner.createOrUpdate(group, location, policyName, {
    kind: "Basic",
    virtualMachines: accesses.map((access) => ({
      id: vmId(access),
      ports: [{ number: port, ...terms }],
    })),
  });
  const crowd = await Promise.all(
    accesses.map(async (access) => ({ access, policies: await policiesOf(access.person) })),
  );
  return {
    async ask() {
      const endTimeUtc = new Date(Date.now() + windowMs);
      await Promise.all(
        crowd.map(({ access, policies }) => {
          const ports = [{ number: port, endTimeUtc, allowedSourceAddressPrefix: access.source }];
          const virtualMachines = [{ id: vmId(access), ports }];
          return policies.initiate(group, location, policyName, { virtualMachines });
        }),
      );
    },
    async untilToldOpen(over) {
      for (;;) {
        const { requests = [] } = await owner.get(group, location, policyName);
        const ports = requests.flatMap((request) =>
          request.virtualMachines.flatMap((vm) => vm.ports),
        );
        const refused = ports.find(({ status }) => status === "Revoked");
        if (refused !== undefined) {
          throw new Error(`A port did not open: ${JSON.stringify(refused)}`);
        }
        const told = ports.filter(({ status }) => status === "Initiated").length;
        if (told === accesses.length || over.aborted) {
          return told;
        }
        await pauseFor(100);
      }
    },
  };
}
