/**
 * The estate: everything the pretend cloud holds, as data. Resources are in ARM's own shapes (id, name, type, location,
 * tags, properties), so an export from a real subscription needs few changes.
 */
export interface Estate {
  readonly tenantId: string;
  readonly subscriptionId: string;
  /** Tenants besides the estate's own whose people and metadata are served; they have nothing else here. */
  readonly otherTenants?: readonly string[];
  readonly people: readonly Person[];
  /** Service principals and managed identities that may call; none when left out. */
  readonly applications?: readonly Application[];
  /** None when left out. */
  readonly groups?: readonly Group[];
  /** The tree above the subscription. When left out, every management group that a scope names holds the subscription. */
  readonly managementGroups?: readonly ManagementGroup[];
  /** The app registration that stands for JIT Access: the audience of its access tokens, and its managed identity. */
  readonly application: { readonly clientId: string; readonly appIdUri: string };
  readonly serviceIdentity: {
    readonly principalId: string;
    readonly clientId: string;
    /** What an administrator granted it on Microsoft Graph; enough to read users, applications and groups when left out. */
    readonly graphPermissions?: readonly string[];
  };
  /** ARM role definitions: `{ id, name, type, properties: { roleName, permissions: [{ actions, notActions, … }], assignableScopes } }`. */
  readonly roleDefinitions: readonly ArmResource[];
  /** ARM role assignments: `{ id, name, type, properties: { roleDefinitionId, principalId, principalType, scope, condition? } }`. */
  readonly roleAssignments: readonly ArmResource[];
  /**
   * ARM deny assignments: `{ id, name, type, properties: { denyAssignmentName, permissions, scope, doNotApplyToChildScopes,
   * principals: [{ id, type }], excludePrincipals } }`; none when left out.
   */
  readonly denyAssignments?: readonly ArmResource[];
  /**
   * Virtual machines (Compute and ClassicCompute), NICs, virtual networks with their subnets and peerings, public IPs, NSGs
   * with their rules, route tables, IP groups, firewalls with their classic rules, firewall policies, and rule collection
   * groups as resources of their own.
   */
  readonly resources: readonly ArmResource[];
  /** Ports that can really be connected to; none when left out. */
  readonly dataPlane?: readonly (DataPlaneEntry | FirewallEntry)[];
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
  /** False for a disabled account; true when left out. */
  readonly accountEnabled?: boolean;
  /** The tenant of the person's tokens when it is not the estate's own; then it is one of `otherTenants`. */
  readonly tenantId?: string;
}

/** A service principal. Its tokens are an application's: `idtyp` "app", no `scp`. */
export interface Application {
  /** Unique among people and applications: its token is at `/local/tokens/{name}`. */
  readonly name: string;
  readonly displayName: string;
  readonly clientId: string;
  /** Of the service principal, which is what roles are assigned to. */
  readonly objectId: string;
  /** The `roles` claim of its tokens; the claim is absent when left out. */
  readonly roles?: readonly string[];
  /** True when left out. */
  readonly accountEnabled?: boolean;
  /** What it may do, in one line for the start-up text. */
  readonly about: string;
}

export interface Group {
  readonly objectId: string;
  readonly displayName: string;
  /** Object ids of people, applications and groups; a group may hold itself by a detour. */
  readonly members: readonly string[];
}

/**
 * A node of the tree above subscriptions. Azure's tenant root group bears the tenant's id as its name; it is above every
 * group without a parent and every subscription that no group names, whether the estate lists it or not.
 */
export interface ManagementGroup {
  readonly name: string;
  readonly displayName: string;
  /** The name of the group above. */
  readonly parent?: string;
  /** Ids of the subscriptions right below. */
  readonly subscriptions?: readonly string[];
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
 * on 127.0.0.1 and lets in or turns away as its NSGs, and a firewall on the way, say. Several entries for one port show it from several sources.
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

/**
 * A public address of a firewall, as one client sees it: the cloud listens on a loopback address at every port that a DNAT
 * rule in force translates, so that `nc 127.0.2.40 41234` is what a person does with `nc 192.0.2.40 41234` in Azure.
 */
export interface FirewallEntry {
  /** Its ARM id. */
  readonly firewall: string;
  readonly publicIpAddress: string;
  /** In 127.0.0.0/8. Where it or a port cannot be had, a free port on 127.0.0.1 takes its place. */
  readonly listenOn: string;
  /** The address the client is taken to come from. Default 203.0.113.7. */
  readonly source: string;
}

/** How long the pretend cloud takes, in milliseconds. Every member has a default. */
export interface Timing {
  /** From an accepted write of an NSG or rule until its operation has succeeded. */
  readonly nsgWriteMs: number;
  /**
   * From an accepted write of a firewall, a rule collection group or an IP group until its operation has ended. One that
   * reaches no deployed firewall takes a twentieth of it. Azure itself needs three to five minutes.
   */
  readonly firewallUpdateMs: number;
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
  /**
   * Whether a network rule that denies ends what a DNAT rule has let in ("deny wins", the default and the stricter), or
   * the DNAT match ends the processing ("dnat ends"). Sources disagree.
   */
  readonly dnatAgainstDeny: "dnat ends" | "deny wins";
  /** What If-Match does on firewalls, rule collection groups and IP groups; no source says. Default "honoured". */
  readonly firewallIfMatch: "honoured" | "ignored";
  /** What a firewall, rule collection group or IP group shows, as Failed, when its update has failed. Default: what was asked. */
  readonly failedFirewallUpdate: "shows what was asked" | "shows what was before";
  /** Azure's throttling limits are multiplied by this; 1 is Azure itself. */
  readonly throttlingScale: number;
  /** Most items on one page of a list. */
  readonly pageSize: number;
}
