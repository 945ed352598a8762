import type { FaultOrder } from "../../../local/cloud/faults/fault.ts";
import type { Endpoints } from "../../../local/endpoints.ts";
import { type SignedIn, send, signIn } from "../../../local/sign-in.ts";
import { generatedGroup } from "../../support/generated-estate.ts";

/** All groups at one moment. */
export interface Groups {
  readonly at: number;
  /** Our allow rules on a group, and how many of them are in force. */
  allow(name: string): { readonly all: number; readonly inForce: number };
  /** The whole group as text, without what changes by itself: etags and provisioning states. */
  text(name: string): string;
}

/** A port of a request as the API tells it. */
export interface ToldPort {
  readonly status: "Initiating" | "Initiated" | "Revoked";
  readonly statusReason: string;
  readonly endTimeUtc: string;
  readonly findings?: readonly { readonly code: string }[];
}

/** What the API told of all requests, between two looks at the groups. */
export interface Look {
  readonly before: Groups;
  readonly after: Groups;
  portsOf(vm: string): readonly ToldPort[];
}

export interface ToldFact {
  readonly operation: string;
  readonly outcome: string;
  readonly reasons?: readonly { readonly code: string }[];
}

export interface LoggedCall {
  readonly method: string;
  readonly path: string;
}

interface WireGroup {
  readonly name: string;
  readonly properties: {
    readonly securityRules: readonly {
      readonly name: string;
      readonly properties: { readonly access: string; readonly provisioningState: string };
    }[];
  };
}

interface WirePolicy {
  readonly properties: {
    readonly requests: readonly {
      readonly virtualMachines: readonly { readonly id: string; readonly ports: ToldPort[] }[];
    }[];
  };
}

/** What people and Azure are told of many requests at once. It never asks on the paths where faults wait for the service. */
export class FaultWatch {
  readonly #endpoints: Endpoints;
  readonly #service: SignedIn;
  readonly #azure: SignedIn;

  private constructor(endpoints: Endpoints, service: SignedIn, azure: SignedIn) {
    this.#endpoints = endpoints;
    this.#service = service;
    this.#azure = azure;
  }

  static async on(endpoints: Endpoints): Promise<FaultWatch> {
    const service = await signIn(endpoints, "olivia", endpoints.audience);
    const azure = await signIn(endpoints, "olivia", "https://management.azure.com");
    return new FaultWatch(endpoints, service, azure);
  }

  vmId(vmName: string): string {
    return `${this.#group}/providers/Microsoft.Compute/virtualMachines/${vmName}`;
  }

  policyPath(name: string, location: string): string {
    return `${this.#group}/providers/Microsoft.Security/locations/${location}/jitNetworkAccessPolicies/${name}`;
  }

  /** Calls the API; throws when the answer is none of success. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const version = `${path.includes("?") ? "&" : "?"}api-version=2020-01-01`;
    return this.#send(method, `${this.#endpoints.apiHttps}${path}${version}`, this.#service, body);
  }

  /** The next look, which begins with the groups as they were last seen. */
  async look(before: Groups): Promise<Look> {
    const path = `/subscriptions/${this.#endpoints.subscriptionId}/providers/Microsoft.Security/jitNetworkAccessPolicies`;
    const { value, nextLink } = await this.call<{ value: WirePolicy[]; nextLink?: string }>(
      "GET",
      path,
    );
    if (nextLink !== undefined) {
      throw new Error("The policies are expected on one page.");
    }
    const vms = value.flatMap(({ properties }) =>
      properties.requests.flatMap((request) => request.virtualMachines),
    );
    const ports = new Map(vms.map((vm) => [vm.id.split("/").at(-1)?.toLowerCase(), vm.ports]));
    return { before, after: await this.groups(), portsOf: (vm) => ports.get(vm) ?? [] };
  }

  async groups(): Promise<Groups> {
    const url = `${this.#endpoints.cloud}${this.#group}/providers/Microsoft.Network/networkSecurityGroups?api-version=2024-05-01`;
    const { value } = await this.#send<{ value: WireGroup[] }>("GET", url, this.#azure);
    const groups = new Map(value.map((group) => [group.name, group]));
    return {
      at: Date.now(),
      allow(name) {
        const all = (groups.get(name)?.properties.securityRules ?? []).filter(
          (rule) => rule.name.startsWith("JitAccess-") && rule.properties.access === "Allow",
        );
        const inForce = all.filter((rule) => rule.properties.provisioningState === "Succeeded");
        return { all: all.length, inForce: inForce.length };
      },
      text: (name) =>
        JSON.stringify(groups.get(name), (key, value) =>
          key === "etag" || key === "provisioningState" ? undefined : value,
        ),
    };
  }

  /** The facts of a VM, oldest first. */
  async facts(vmName: string): Promise<readonly ToldFact[]> {
    const vm = encodeURIComponent(this.vmId(vmName));
    const { value } = await this.call<{ value: ToldFact[] }>(
      "GET",
      `/api/activity?vm=${vm}&top=1000`,
    );
    return value.toReversed();
  }

  health(): Promise<{ readonly status: string; readonly oldestOverdueSeconds: number }> {
    return this.call("GET", "/api/health/ready");
  }

  async arm(order: FaultOrder): Promise<void> {
    await this.#send("POST", `${this.#endpoints.cloud}/local/faults`, this.#azure, order);
  }

  async faults(): Promise<readonly (FaultOrder & { readonly struck: number })[]> {
    const url = `${this.#endpoints.cloud}/local/faults`;
    const { value } = await this.#send<{ value: (FaultOrder & { struck: number })[] }>(
      "GET",
      url,
      this.#azure,
    );
    return value;
  }

  async clearFaults(): Promise<void> {
    await this.#send("DELETE", `${this.#endpoints.cloud}/local/faults`, this.#azure);
  }

  /** Calls that Azure Resource Manager received, oldest first. */
  async armCalls(): Promise<readonly LoggedCall[]> {
    const url = `${this.#endpoints.cloud}/local/requests`;
    return (await this.#send<{ value: LoggedCall[] }>("GET", url, this.#azure)).value;
  }

  async forgetCalls(): Promise<void> {
    await this.#send("DELETE", `${this.#endpoints.cloud}/local/requests`, this.#azure);
  }

  get #group(): string {
    return `/subscriptions/${this.#endpoints.subscriptionId}/resourceGroups/${generatedGroup}`;
  }

  async #send<T>(
    method: string,
    url: string,
    { credential, tlsOptions: { ca } }: SignedIn,
    body?: unknown,
  ): Promise<T> {
    const token = (await credential.getToken([]))?.token ?? "";
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await send(method, url, { ca, token, ...text });
    if (answer.status >= 300) {
      throw new Error(`${method} ${url} was answered ${answer.status}: ${answer.body}`);
    }
    return (answer.body === "" ? undefined : JSON.parse(answer.body)) as T;
  }
}
