/**
 * The estate: everything the pretend cloud holds, as data. Resources are in ARM's own shapes (id, name, type, location,
 * tags, properties), so an export from a real subscription needs few changes.
 */
export interface Estate {
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly people: readonly Person[];
  /** The app registration that stands for JIT Access: the audience of its access tokens, and its managed identity. */
  readonly application: { readonly clientId: string; readonly appIdUri: string };
  readonly serviceIdentity: { readonly principalId: string; readonly clientId: string };
  /** ARM role definitions: `{ id, name, type, properties: { roleName, permissions: [{ actions, notActions, … }], assignableScopes } }`. */
  readonly roleDefinitions: readonly ArmResource[];
  /** ARM role assignments: `{ id, name, type, properties: { roleDefinitionId, principalId, principalType, scope, condition? } }`. */
  readonly roleAssignments: readonly ArmResource[];
  /** Virtual machines (Compute and ClassicCompute), NICs, virtual networks with their subnets, public IPs, NSGs with their rules. */
  readonly resources: readonly ArmResource[];
  /** Ports that can really be connected to; none when left out. */
  readonly dataPlane?: readonly DataPlaneEntry[];
  readonly timing: Timing;
  readonly behaviour?: Partial<Behaviour>;
}

export interface Person {
  /** Lower-case first name, unique; the address is `{name}@{domain}`. */
  readonly name: string;
  readonly displayName: string;
  readonly userPrincipalName: string;
  readonly objectId: string;
  /** What the person may do, in one line for the start-up text. */
  readonly about: string;
}

export interface ArmResource {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly location?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly [more: string]: unknown;
}

/**
 * A port of a machine with something behind it, so that open and closed are seen with a real connection. The cloud listens
 * on 127.0.0.1 and lets in or turns away as its NSGs say. Several entries for one port show it from several sources.
 */
export interface DataPlaneEntry {
  /** Its ARM id. */
  readonly virtualMachine: string;
  /** The machine's own, which rules speak of. */
  readonly port: number;
  /** Where it answers on 127.0.0.1. 0, the default, takes any free port; so does one that is taken. */
  readonly listen: number;
  /** "echo", the default, greets and sends back what it is sent; `127.0.0.1:PORT` leads to a server of your own. */
  readonly backend: string;
  /** The address the client is taken to come from, as no rule speaks of 127.0.0.1. Default 203.0.113.7. */
  readonly source: string;
  /** One of the machine's private addresses. Default: the primary one of the source's IP version. */
  readonly destination?: string;
}

/** How long the pretend cloud takes, in milliseconds. Every member has a default. */
export interface Timing {
  /** From an accepted write of an NSG or rule until its operation has succeeded. */
  readonly nsgWriteMs: number;
  /** Added to every read. */
  readonly readMs: number;
  /** `Retry-After` on pollable answers in seconds; 0 sends none, and the SDK then polls at its own pace. */
  readonly retryAfterSeconds: number;
}

/** Where Azure leaves room, or where a demo wants less of it. Every member has a default (`cloud.ts`). */
export interface Behaviour {
  /**
   * What a write meets while another write of the same NSG runs. Azure does all three at times: cancel the earlier one
   * ("supersede", the default), answer 429 `RetryableError` ("retry later") or 409 `AnotherOperationInProgress` ("conflict").
   */
  readonly parallelWrites: "supersede" | "retry later" | "conflict";
  /** Azure's throttling limits are multiplied by this; 1 is Azure itself. */
  readonly throttlingScale: number;
  /** Most items on one page of a list. */
  readonly pageSize: number;
}
