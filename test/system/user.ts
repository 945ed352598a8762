import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pauseFor } from "node:timers/promises";
import { send } from "../../local/sign-in.ts";
import type { RunningSystem } from "../support/running-system.ts";

const policyPath = (subscriptionId: string, name: string, group = "rg-demo") =>
  `/subscriptions/${subscriptionId}/resourceGroups/${group}/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/${name}`;

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: bodies of every route pass here; the tests say what they expect of them.
  readonly body: any;
  readonly text: string;
}

/** What the tests look at of a network security group. */
export interface ArmNsg {
  readonly id: string;
  readonly name: string;
  readonly properties: { readonly securityRules: readonly ArmRule[] };
}

export interface ArmRule {
  readonly name: string;
  readonly properties: {
    readonly access: "Allow" | "Deny";
    readonly description?: string;
    readonly [member: string]: unknown;
  };
}

/** What the tests look at of an audit fact about gates. */
export interface GateFact {
  readonly id: string;
  readonly at: string;
  readonly operation: string;
  readonly outcome: string;
  readonly gates?: readonly { readonly id: string; readonly rules: readonly string[] }[];
}

/** What the tests look at of an audit fact. */
export interface ToldFact extends GateFact {
  readonly actor?: { readonly objectId: string };
  readonly vmId?: string;
  readonly windowId?: string;
  readonly endReason?: string;
  readonly reasons?: readonly { readonly code: string; readonly target?: string }[];
}

/** People of the sample estate using the running system over HTTPS, and a look behind the scenes. */
export class User {
  readonly #system: RunningSystem;

  constructor(system: RunningSystem) {
    this.#system = system;
  }

  get subscriptionId(): string {
    return this.#system.endpoints.subscriptionId;
  }

  vm(name: string): string {
    return `/subscriptions/${this.subscriptionId}/resourceGroups/rg-demo/providers/Microsoft.Compute/virtualMachines/${name}`;
  }

  policy(name: string): string {
    return policyPath(this.subscriptionId, name);
  }

  async token(person: string, query = ""): Promise<string> {
    const { status, body } = await this.#send(
      "GET",
      `${this.#system.endpoints.cloud}/local/tokens/${person}?${query}`,
    );
    if (status !== 200) {
      throw new Error(`No token for ${person}: ${JSON.stringify(body)}`);
    }
    return body.access_token;
  }

  /** Calls the API as a person; a string body goes as it is. */
  async call(person: string, method: string, path: string, body?: unknown): Promise<Answer> {
    return this.callWith(await this.token(person), method, path, body);
  }

  /** Calls the API with any text for a token, or without one. */
  callWith(
    token: string | undefined,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<Answer> {
    const separator = path.includes("?") ? "&" : "?";
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    return this.#send(
      method,
      `${this.#system.endpoints.apiHttps}${path}${separator}api-version=2020-01-01`,
      token,
      text,
    );
  }

  /** GETs from Azure Resource Manager. */
  arm(path: string, apiVersion = "2024-05-01"): Promise<Answer> {
    return this.#callArm("GET", path, apiVersion);
  }

  /** Writes to Azure Resource Manager past this service, as an owner with other tools may. */
  armPut(path: string, body: unknown): Promise<Answer> {
    return this.#callArm("PUT", path, "2024-05-01", JSON.stringify(body));
  }

  armDelete(path: string, apiVersion: string): Promise<Answer> {
    return this.#callArm("DELETE", path, apiVersion);
  }

  nsgPath(name: string, group = "rg-demo"): string {
    return `/subscriptions/${this.subscriptionId}/resourceGroups/${group}/providers/Microsoft.Network/networkSecurityGroups/${name}`;
  }

  /** Every network security group there is. */
  async nsgs(): Promise<readonly ArmNsg[]> {
    const path = `/subscriptions/${this.subscriptionId}/providers/Microsoft.Network/networkSecurityGroups`;
    const { status, body } = await this.arm(path);
    if (status !== 200 || body.nextLink !== undefined) {
      throw new Error(`The groups were answered ${status}, and are expected on one page.`);
    }
    return body.value;
  }

  /** A network security group without what changes by itself: etags and provisioning states. */
  async nsg(name: string, group = "rg-demo"): Promise<string> {
    const { body } = await this.arm(this.nsgPath(name, group));
    return JSON.stringify(body, (key, value) =>
      key === "etag" || key === "provisioningState" ? undefined : value,
    );
  }

  /** Names of our rules on a group, by access. */
  async ownRules(
    name: string,
    group = "rg-demo",
  ): Promise<{ readonly allow: readonly string[]; readonly deny: readonly string[] }> {
    const { properties } = JSON.parse(await this.nsg(name, group));
    const own: { name: string; properties: { access: string } }[] = properties.securityRules.filter(
      (rule: { name: string }) => rule.name.startsWith("JitAccess-"),
    );
    const named = (access: string) =>
      own.filter((rule) => rule.properties.access === access).map((rule) => rule.name);
    return { allow: named("Allow"), deny: named("Deny") };
  }

  /** Requests that Azure Resource Manager received. */
  async armRequests(): Promise<
    readonly {
      readonly time: string;
      readonly method: string;
      readonly path: string;
      readonly status: number;
      readonly body?: unknown;
    }[]
  > {
    const { body } = await this.#send("GET", `${this.#system.endpoints.cloud}/local/requests`);
    return body.value;
  }

  async protect(
    person: string,
    name: string,
    vms: readonly string[],
    ports: readonly number[] = [22],
    more: object = {},
  ): Promise<Answer> {
    const terms = {
      protocol: "TCP",
      allowedSourceAddressPrefix: "*",
      maxRequestAccessDuration: "PT3H",
      ...more,
    };
    const virtualMachines = vms.map((vm) => ({
      id: this.vm(vm),
      ports: ports.map((number) => ({ number, ...terms })),
    }));
    return this.call(person, "PUT", this.policy(name), {
      kind: "Basic",
      properties: { virtualMachines },
    });
  }

  async ask(
    person: string,
    name: string,
    vm: string,
    seconds: number,
    source = "203.0.113.7",
    port = 22,
  ): Promise<Answer> {
    return this.#initiate(person, name, vm, {
      number: port,
      allowedSourceAddressPrefix: source,
      duration: `PT${seconds}S`,
    });
  }

  /** As {@link ask}, until a moment that is named. */
  async askUntil(
    person: string,
    name: string,
    vm: string,
    end: Date,
    source = "203.0.113.7",
  ): Promise<Answer> {
    const port = { number: 22, allowedSourceAddressPrefix: source, endTimeUtc: end.toISOString() };
    return this.#initiate(person, name, vm, port);
  }

  #initiate(person: string, name: string, vm: string, port: object): Promise<Answer> {
    return this.call(person, "POST", `${this.policy(name)}/initiate`, {
      virtualMachines: [{ id: this.vm(vm), ports: [port] }],
    });
  }

  /** A request by its id, as a person sees it. */
  async request(id: string, person = "olivia"): Promise<Answer["body"]> {
    return (await this.call(person, "GET", `/api/requests/${id}`)).body;
  }

  /** Approves, denies, revokes, …. */
  act(person: string, id: string, verb: string, body: object = {}): Promise<Answer> {
    return this.call(person, "POST", `/api/requests/${id}/${verb}`, body);
  }

  /** `status` of every window of the policy's requests, newest request first. */
  async statuses(name: string): Promise<readonly string[]> {
    const { body } = await this.call("olivia", "GET", this.policy(name));
    return body.properties.requests.flatMap(
      (request: { virtualMachines: { ports: { status: string }[] }[] }) =>
        request.virtualMachines.flatMap((vm) => vm.ports.map((port) => port.status)),
    );
  }

  /** Runs a timer function of the app now; it has not ended when this resolves. */
  async runTimer(name: string): Promise<void> {
    const url = `${this.#system.endpoints.apiHttps}/admin/functions/${name}`;
    const { status, text } = await this.#send("POST", url, undefined, "{}");
    if (status !== 202) {
      throw new Error(`The timer '${name}' was not started: ${status} ${text}`);
    }
  }

  /** All facts of the subscription, newest first, over all pages. */
  async allFacts(): Promise<readonly ToldFact[]> {
    const facts: ToldFact[] = [];
    let page = `/api/activity?subscriptionId=${this.subscriptionId}&top=1000`;
    while (page !== "") {
      const { body } = await this.call("olivia", "GET", page);
      facts.push(...body.value);
      const next = body.nextLink === undefined ? undefined : new URL(body.nextLink);
      next?.searchParams.delete("api-version");
      page = next === undefined ? "" : `${next.pathname}${next.search}`;
    }
    return facts;
  }

  /** The facts of a VM as `operation outcome`, newest first, without those of single writes and of exposures. */
  async facts(vm: string): Promise<readonly string[]> {
    const { body } = await this.call(
      "olivia",
      "GET",
      `/api/activity?vm=${encodeURIComponent(this.vm(vm))}&top=1000`,
    );
    return body.value
      .map((fact: { operation: string; outcome: string }) => `${fact.operation} ${fact.outcome}`)
      .filter((kind: string) => !/^(gate\.write|exposure\.)/.test(kind));
  }

  async #callArm(method: string, path: string, apiVersion: string, body?: string): Promise<Answer> {
    const token = await this.token("olivia", "audience=https://management.azure.com");
    const url = `${this.#system.endpoints.cloud}${path}?api-version=${apiVersion}`;
    return this.#send(method, url, token, body);
  }

  async #send(method: string, url: string, token?: string, body?: string): Promise<Answer> {
    const ca = await readFile(join(this.#system.dir, "data/tls/ca.pem"), "utf8");
    const answer = await send(method, url, {
      ca,
      ...(token === undefined ? {} : { token }),
      ...(body === undefined ? {} : { body }),
    });
    return { status: answer.status, text: answer.body, body: parsed(answer.body) };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Looks until what is seen passes, and answers it; fails with what was seen last. */
export async function until<T>(
  look: () => Promise<T>,
  passes: (seen: T) => boolean,
  withinMs = 20_000,
): Promise<T> {
  const giveUpAt = Date.now() + withinMs;
  // Less and less often: what is looked at is at work on the same two cores.
  for (let pause = 50; ; pause = Math.min(pause * 1.3, 400)) {
    const seen = await look();
    if (passes(seen)) {
      return seen;
    }
    if (Date.now() > giveUpAt) {
      throw new Error(`Not within ${withinMs} ms; seen last: ${JSON.stringify(seen)}`);
    }
    await pauseFor(pause);
  }
}
