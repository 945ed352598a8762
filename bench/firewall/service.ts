import { readFile } from "node:fs/promises";
import { setTimeout as pauseFor } from "node:timers/promises";
import { SecurityCenter } from "@azure/arm-security";
import type { Endpoints } from "../../local/endpoints.ts";
import { getJson, send, signIn } from "../../local/sign-in.ts";
import { type Access, group, location, port } from "../crowd.ts";

const policyName = "crowd";
/** Between two looks of the one who looks for everybody. */
const lookMs = 500;

/** A window as the API tells of it. */
export interface Told {
  readonly vmName: string;
  readonly state: string;
  readonly publicIpAddress?: string;
  readonly mappedPort?: number;
  readonly reasons?: readonly unknown[];
}

/** Everybody's way through the service, signed in and with the policy in place. */
export interface Service {
  /** All ask at once for a window with that end; resolves when the last one has been answered. */
  ask(end: Date): Promise<void>;
  /** Hands over all windows again and again, until `isEnough`; more often once that is near. */
  follow(isEnough: (all: readonly Told[]) => boolean, isNear: () => boolean): Promise<void>;
}

/** Puts everybody's VM under a policy and waits for the update of the firewall: how long that takes is known from then on. */
export async function prepareService(
  endpoints: Endpoints,
  accesses: readonly Access[],
): Promise<Service> {
  const scope = `/subscriptions/${endpoints.subscriptionId}/resourceGroups/${group}/providers`;
  const policyId = `${scope}/Microsoft.Security/locations/${location}/jitNetworkAccessPolicies/${policyName}`;
  const vmId = ({ vmName }: Access) => `${scope}/Microsoft.Compute/virtualMachines/${vmName}`;
  const owner = await policiesOf(endpoints, "olivia");
  const terms = {
    protocol: "TCP",
    allowedSourceAddressPrefix: "*",
    maxRequestAccessDuration: "PT3H",
  };
  await owner.createOrUpdate(group, location, policyName, {
    kind: "Basic",
    virtualMachines: accesses.map((access) => ({
      id: vmId(access),
      ports: [{ number: port, ...terms }],
    })),
  });
  await untilSettled(endpoints, async () => {
    const { provisioningState } = await owner.get(group, location, policyName);
    return provisioningState === "Succeeded";
  });
  const crowd = await Promise.all(
    accesses.map(async (access) => ({
      access,
      policies: await policiesOf(endpoints, access.person),
    })),
  );
  const list = await listOf(endpoints, policyId);
  return {
    async ask(endTimeUtc) {
      await Promise.all(
        crowd.map(({ access, policies }) => {
          const ports = [{ number: port, endTimeUtc, allowedSourceAddressPrefix: access.source }];
          const virtualMachines = [{ id: vmId(access), ports }];
          return policies.initiate(group, location, policyName, { virtualMachines });
        }),
      );
    },
    async follow(isEnough, isNear) {
      while (!isEnough(await list())) {
        await pauseFor(isNear() ? lookMs : lookMs * 4);
      }
    },
  };
}

async function policiesOf(endpoints: Endpoints, person: string) {
  const { credential, tlsOptions } = await signIn(endpoints, person, endpoints.audience);
  await credential.getToken([]);
  return new SecurityCenter(credential, endpoints.subscriptionId, {
    endpoint: endpoints.apiHttps,
    credentialScopes: [`${endpoints.audience}/.default`],
    tlsOptions,
  }).jitNetworkAccessPolicies;
}

/** The timer that finishes policies comes once a minute: here more often. */
async function untilSettled(
  { apiHttps, caFile }: Endpoints,
  isSettled: () => Promise<boolean>,
): Promise<void> {
  const ca = await readFile(caFile, "utf8");
  while (!(await isSettled())) {
    const { status, body } = await send("POST", `${apiHttps}/admin/functions/sweep`, {
      ca,
      body: "{}",
    });
    if (status !== 202) {
      throw new Error(`The sweep was not started: ${status} ${body}`);
    }
    await pauseFor(lookMs);
  }
}

/** Reads all windows of the policy, as one person does who may see all. */
async function listOf(
  endpoints: Endpoints,
  policyId: string,
): Promise<() => Promise<readonly Told[]>> {
  const { credential, tlsOptions } = await signIn(endpoints, "olivia", endpoints.audience);
  const url = `${endpoints.apiHttps}/api/requests?policyId=${encodeURIComponent(policyId)}&top=200`;
  return async () => {
    const token = (await credential.getToken([]))?.token ?? "";
    const { value } = await getJson<{ value: readonly { windows: readonly Shown[] }[] }>(url, {
      ca: tlsOptions.ca,
      token,
    });
    return value.flatMap(({ windows }) =>
      windows.map(({ vmId, ...told }) => ({ vmName: vmId.split("/").at(-1) ?? "", ...told })),
    );
  };
}

type Shown = Omit<Told, "vmName"> & { readonly vmId: string };
