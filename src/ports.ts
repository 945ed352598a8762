/**
 * The few interfaces through which the pure code and the workflow reach the world. Adapters (`azure/`, `tables/`)
 * implement them; fakes in the tests pass the same contract tests.
 */
import type { AccessRequest } from "./access/request.ts";
import type { ToldSettings } from "./activity/configuration-facts.ts";
import type { Caller, Principal } from "./caller/caller.ts";
import type { CallerRights } from "./caller/permissions.ts";
import type { Policy } from "./policy/policy.ts";
import type { Finding, Outcome, Reason } from "./reasons.ts";

import type { Found } from "./rules/drift.ts";

import type { Gate, GateRule } from "./rules/gate.ts";
import type {
  DesiredDeny,
  DesiredWindow,
  GateIntent,
  Leftover,
  WindowResult,
} from "./rules/intent.ts";
import type { RuleChange } from "./rules/nsg-plan.ts";
import type { GateProof, GateWriting } from "./rules/writing.ts";

export interface Clock {
  now(): Date;
  /** Resolves after so many milliseconds. */
  pause(milliseconds: number): Promise<void>;
}

/** SHA-256 of a text as 64 lower-case hex digits. */
export type Digest = (text: string) => string;

export interface Ids {
  /** A new random id: 36 characters, lower-case hex digits and dashes. */
  next(): string;
  readonly digest: Digest;
}

/** One private address of a VM and the gates in front of it, the subnet's before the network interface's. */
export interface MachineAddress {
  readonly address: string;
  readonly family: 4 | 6;
  readonly networkInterfaceId: string;
  /** The id of the public IP address that leads to it. */
  readonly publicIpId?: string | undefined;
  /** In the order in which traffic meets them: firewalls first. */
  readonly gates: readonly string[];
  /** The Azure Firewalls that its subnet's routes lead through; their gates are among `gates`. */
  readonly firewalls?: readonly FirewallPath[] | undefined;
  /** Next hops of its subnet's routes that are no firewall which this service can manage. */
  readonly detours?: readonly Detour[] | undefined;
}

/** The way to an address through an Azure Firewall. */
export interface FirewallPath {
  /** The firewall itself, or our rule collection group of its policy. */
  readonly gateId: string;
  readonly firewallId: string;
  /** Its public IPv4 addresses in its own order; none where it can only be reached from inside. */
  readonly publicAddresses: readonly string[];
  /** Prefixes of its subnet: traffic that it translates arrives from there. */
  readonly subnets: readonly string[];
}

/** A next hop on which this service can do nothing, and why: a virtual hub's firewall, another product, or out of its sight. */
export interface Detour {
  /** An address, or the id of a virtual hub or network. */
  readonly nextHop: string;
  readonly why: "virtual hub" | "not a firewall" | "not readable";
}

/** A virtual machine and its place in the network, read at one moment. */
export interface Machine {
  readonly id: string;
  readonly name: string;
  readonly location: string;
  readonly addresses: readonly MachineAddress[];
}

/** A gate as it was read. `raw` is the answer itself, kept so that a whole write returns every property it did not know. */
export interface GateReading {
  readonly gate: Gate;
  readonly etag: string;
  /** A write of somebody is under way: the rules are there to read, but not all in effect yet. */
  readonly isUpdating: boolean;
  /** The last write failed: what is there to read may not be in effect. Of firewalls only. */
  readonly isFailed?: boolean | undefined;
  readonly raw: unknown;
}

/**
 * What became of a write. `changed`: somebody else wrote or is writing (409, 412, 429, superseded), or Azure was busy:
 * read again, plan again after `retryAfterMs`. `refused`: trying again changes nothing until an operator acts.
 */
export type WriteOutcome =
  | { readonly outcome: "written" }
  /** Azure has taken it up and needs minutes: `operation` tells how it goes to {@link Network.progress}, in any process. */
  | { readonly outcome: "started"; readonly operation: string }
  | { readonly outcome: "changed"; readonly detail: string; readonly retryAfterMs: number }
  | { readonly outcome: "refused"; readonly reason: Reason };

/**
 * VMs and gates of one subscription, by `idKey` of their ids, from whole lists.
 *
 * NB. The lists are read at slightly different moments; what this service may not read can be missing without a word, and a
 * gate that cannot be understood is left out. A survey tells where to look: before anything is done about a VM or gate, it is
 * read alone (`findMachine`, `readGate`), and above all before it is taken to be gone.
 */
export interface Survey {
  readonly machines: ReadonlyMap<string, Machine>;
  readonly gates: ReadonlyMap<string, GateReading>;
}

/** Azure's network, as far as gates are concerned. Faults that no caller can decide are thrown. */
export interface Network {
  /** The subscriptions in which this service has any right and that are in use (not disabled, not deleted): lower-case ids. */
  subscriptions(): Promise<readonly string[]>;
  /** Nothing when there is no such subscription. Never a part: throws when any list cannot be read to its end, or may not be read. */
  survey(subscriptionId: string): Promise<Survey | undefined>;
  /** Nothing when the VM does not exist. */
  findMachine(vmId: string): Promise<Machine | undefined>;
  /** The address behind the id of a public IP address; nothing when there is none, or none at the moment. */
  publicAddress(publicIpId: string): Promise<string | undefined>;
  /** Nothing when the gate does not exist. */
  readGate(gateId: string): Promise<GateReading | undefined>;
  /**
   * Of a network security group: carries out the changes in order and waits until Azure says that they are in effect. One goes
   * by itself, several as one conditional write; where Azure refuses that one, rules that only go are taken away all the same.
   * Of a firewall: sends one write of all changes, also of none, and waits for nothing.
   */
  write(reading: GateReading, changes: readonly RuleChange<GateRule>[]): Promise<WriteOutcome>;
  /** How a write goes that was `started`; `running` until Azure has finished it. Never `started` again. */
  progress(gateId: string, operation: string): Promise<Progress>;
}

export type Progress =
  | { readonly outcome: "running"; readonly retryAfterMs: number }
  | Exclude<WriteOutcome, { readonly outcome: "started" }>;

/** The stored state of one gate. Revisions count up from 1; a gate nobody ever wanted anything of has revision 0. */
export interface GateRecord {
  readonly gateId: string;
  readonly intent: GateIntent;
  readonly desiredRevision: number;
  /** Everything up to this revision has been written and read back. */
  readonly appliedRevision: number;
  /** By window id, for the windows of the intent that have been settled at least once. */
  readonly results: Readonly<Record<string, WindowResult>>;
  /** What the last settle could not achieve, or found beside our rules (a deny rule without a place, a port a customer rule keeps open). */
  readonly findings: readonly Finding[];
  /** Our rules as they were last read back; absent until the gate has been settled once. */
  readonly proven?: readonly ProvenRule[] | undefined;
  /** Of the last settlement. */
  readonly proof?: GateProof | undefined;
  /** A writer began to write and nobody has settled since: what stands there may be half its work. */
  readonly isInterrupted?: boolean | undefined;
  /** What that write was to change. */
  readonly writing?: GateWriting | undefined;
  /** What keeps protected ports open there outside any window, as it was told with the last settlement. */
  readonly exposed?: readonly Finding[] | undefined;
  readonly lease?: GateLease | undefined;
  /** A write that Azure has taken up and, as far as is known, not finished. Of firewalls only. */
  readonly operation?: GateOperation | undefined;
  /** What was written since the last settlement. Of firewalls only. */
  readonly touched?: Touched | undefined;
  /** How many writes in a row came to nothing. Of firewalls only. */
  readonly failures?: number | undefined;
  /** How long recent writes took, in milliseconds, the newest last. Of firewalls only. */
  readonly updateTimes?: readonly number[] | undefined;
  /** Windows of the intent that came, or changed, after the applied revision: not proven as they are wanted now. */
  readonly waiting?: readonly string[] | undefined;
}

/** A write under way. `token` is {@link WriteOutcome}'s `operation`. */
export interface GateOperation {
  readonly token: string;
  /** ISO 8601, UTC, by the clock of who began it. */
  readonly startedAt: string;
  /** The desired revision that it brings. */
  readonly revision: number;
}

/** Names of rules that were put, and taken away, since the gate was settled last. */
export interface Touched {
  readonly put: readonly string[];
  readonly removed: readonly string[];
  /** What was found beside what had been proven, and is put right by these writes; `id` names its facts. */
  readonly repair?: { readonly id: string; readonly found: readonly Found[] } | undefined;
}

/** A rule of ours that was read back: its name, a fingerprint of everything it said, and the VM it was there for, where that was known. */
export interface ProvenRule {
  readonly name: string;
  readonly print: string;
  readonly vmId?: string | undefined;
}

/** The writer of a gate. `beat` counts its signs of life: a lease whose beat stands still for long enough may be taken over. */
export interface GateLease {
  readonly holder: string;
  readonly beat: number;
  /** How long the beat has stood still when it was read, in milliseconds by the clock of the storage; absent where that cannot be told. */
  readonly quietForMs?: number | undefined;
}

/** A change of intent. `denies` replaces all deny rows of that policy on the gate; an empty list takes them away. */
export interface IntentChange {
  readonly denies?:
    | { readonly policyId: string; readonly rows: readonly DesiredDeny[] }
    | undefined;
  readonly addWindows?: readonly DesiredWindow[] | undefined;
  /**
   * The ends of windows that are wanted, once they are known; never after their `latestEnd`. No rule tells them, so that a change of
   * nothing else leaves the revisions as they are.
   */
  readonly endWindows?: readonly Pick<DesiredWindow, "windowId" | "closesAt">[] | undefined;
  readonly removeWindows?: readonly string[] | undefined;
  /** Removes every window of this policy. */
  readonly removeWindowsOfPolicy?: string | undefined;
  /** Adds rules that another product left behind and that may go; the next settlement forgets them all. */
  readonly addLeftovers?: readonly Leftover[] | undefined;
}

/** What a settled gate reports: proven up to `revision`; `expired` windows are dropped from the intent. */
export interface Settlement {
  readonly revision: number;
  readonly results: Readonly<Record<string, WindowResult>>;
  readonly findings: readonly Finding[];
  readonly expired: readonly string[];
  readonly proven: readonly ProvenRule[];
  readonly proof?: GateProof | undefined;
  readonly exposed?: readonly Finding[] | undefined;
}

/** A gate on which a rule may still stand although the window it was made for ended at `closesAt` (ISO 8601, UTC). */
export interface OverdueGate {
  readonly gateId: string;
  readonly closesAt: string;
}

/** Desired state per gate. Every method is one atomic step and may be repeated; conflicts with others are resolved inside. */
export interface GateStore {
  read(gateId: string): Promise<GateRecord>;
  /** Applies the change and raises the desired revision in one transaction; answers the new revision. A change without effect answers the present one. */
  change(gateId: string, change: IntentChange): Promise<number>;
  /** Takes the lease if nobody has it, or if `seen` is still the lease exactly as it stands. Nothing when somebody else was quicker. */
  takeLease(
    gateId: string,
    holder: string,
    seen: GateLease | undefined,
  ): Promise<GateRecord | undefined>;
  /** Raises the beat, and notes the write that begins, if one does. False, and nothing noted, when the lease is not ours any more. */
  beat(gateId: string, holder: string, writing?: GateWriting): Promise<boolean>;
  /** Records the settlement and gives the lease back. False, and nothing recorded, when the lease is not ours any more. */
  complete(gateId: string, holder: string, settlement: Settlement): Promise<boolean>;
  /** Remembers what a write is going to touch, before it is sent. False, and nothing done, when the lease is not ours any more. */
  touches(gateId: string, holder: string, touched: Touched): Promise<boolean>;
  /** Remembers a write that was begun. False, and nothing done, when the lease is not ours any more. */
  begin(gateId: string, holder: string, operation: GateOperation): Promise<boolean>;
  /** Forgets the write that was under way; `tookMs` where it came to its end as asked, else it counts as a failure. False when the lease is not ours any more. */
  end(gateId: string, holder: string, tookMs?: number): Promise<boolean>;
  /** Gives the lease back without a settlement. False, and nothing done, when it is not ours any more. */
  release(gateId: string, holder: string): Promise<boolean>;
  /** Raises the desired revision and answers it: whatever was proven has to be proven again. */
  touch(gateId: string): Promise<number>;
  /** Lets go of a gate of which nothing is wanted any more. False, and nothing done, when something is, or a writer is at work. */
  forget(gateId: string): Promise<boolean>;
  /** Every gate that has not been let go. */
  known(): Promise<readonly GateRecord[]>;
  /**
   * Gates whose applied revision lags behind, or of which a write was begun that nobody has settled since, or with a window that
   * has to be taken off by `now`: at its `closesAt`, and on a firewall so much before as an update there takes.
   */
  unsettled(now: Date): Promise<readonly string[]>;
  /** Gates that still owe the closing of a window whose `closesAt` is not after `before`. */
  overdue(before: Date): Promise<readonly OverdueGate[]>;
}

/** A stored value with the ETag that guards its next change. */
export interface Stored<T> {
  readonly value: T;
  readonly etag: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Opaque; present when there is more. */
  readonly continuation?: string | undefined;
}

/** Policies, found without regard to the case of their ids. */
export interface PolicyStore {
  get(policyId: string): Promise<Stored<Policy> | undefined>;
  /** Policies of a subscription in the order of their ids. */
  list(
    subscriptionId: string,
    options: { readonly continuation?: string | undefined; readonly top: number },
  ): Promise<Page<Policy>>;
  /** Creates (no etag) or replaces (with it); nothing when somebody else was quicker. */
  put(policy: Policy, etag?: string): Promise<Stored<Policy> | undefined>;
  /** False when somebody else was quicker. True also when it is gone already. */
  remove(policyId: string, etag: string): Promise<boolean>;
  /** Policies of all subscriptions. */
  all(): Promise<readonly Policy[]>;
  /** Policies of all subscriptions whose state is not `settled`. */
  unsettled(): Promise<readonly Policy[]>;
}

/** The settings that the audit was told last, and how often it was told any. */
export interface RecordedSettings {
  readonly revision: number;
  readonly settings: ToldSettings;
}

/** What the app's settings were when they were told last. */
export interface SettingsStore {
  /** Nothing before the first time. */
  last(): Promise<Stored<RecordedSettings> | undefined>;
  /** Creates (no etag) or replaces (with it). False when somebody else was quicker. */
  put(recorded: RecordedSettings, etag?: string): Promise<boolean>;
}

/** Access requests. */
export interface RequestStore {
  /** Stores a new request and answers it; a second call with the same id changes nothing, and answers what is stored. */
  create(request: AccessRequest): Promise<AccessRequest>;
  get(requestId: string): Promise<AccessRequest | undefined>;
  /** Applies a pure change under optimistic concurrency, as often as needed, and answers the result; nothing when unknown. */
  change(
    requestId: string,
    change: (request: AccessRequest) => AccessRequest,
  ): Promise<AccessRequest | undefined>;
  /** Requests that somebody has to look after still: a window, an answer that is not told yet, a review that is due. */
  live(): Promise<readonly AccessRequest[]>;
  /** How many live requests somebody has, counted up to `most`; one whose creation was cut off may be counted too. */
  countLive(requestor: Principal, most: number): Promise<number>;
  /** Requests of a policy created at or after `since`, newest first; not more than `most`, 1,000 unless told otherwise. */
  ofPolicy(policyId: string, since: Date, most?: number): Promise<readonly AccessRequest[]>;
  /** Newest first. */
  list(query: RequestQuery): Promise<Page<AccessRequest>>;
}

/** Requests of one requestor, one VM, one policy, or one subscription: exactly one of them is given. */
export interface RequestQuery {
  readonly of:
    | { readonly requestor: Principal }
    | { readonly vmId: string }
    | { readonly policyId: string }
    | { readonly subscriptionId: string };
  readonly from: Date;
  readonly to: Date;
  readonly top: number;
  readonly continuation?: string | undefined;
}

/** What Azure's role-based access control knows about a principal in one subscription, to be judged by `caller/permissions`. */
export interface Rights {
  /**
   * None in a subscription that does not exist, that this service cannot see, or that is not of the principal's tenant.
   * Throws when Azure did not answer: then nobody can tell.
   */
  of(principal: Principal, subscriptionId: string, freshness?: Freshness): Promise<CallerRights>;
}

/** How recent an answer has to be: `fresh` asks anew, else it may be up to 60 s old. */
export interface Freshness {
  readonly fresh?: boolean | undefined;
}

/** The directory of people, applications and groups. */
export interface Directory {
  /** Whether the account exists and may sign in. */
  isEnabled(principal: Principal, freshness?: Freshness): Promise<boolean>;
  /** Which of these groups hold the principal, directly or through other groups: their ids, lower-case. */
  groupsOf(
    principal: Principal,
    groupIds: readonly string[],
    freshness?: Freshness,
  ): Promise<ReadonlySet<string>>;
}

/** Tells who holds a bearer token, or why it is not accepted. */
export interface TokenVerifier {
  verify(authorization: string | undefined): Promise<Outcome<Caller>>;
}

/** Starts and signals durable work; the only way to the durable client. */
export interface Workflows {
  /** Starts the orchestration of a request; starting it twice is starting it once. */
  startRequest(requestId: string, input: { readonly vmCount: number }): Promise<void>;
  /** Starts looking after the change of a policy until its firewalls are done with it. A help only: the sweep does the same. */
  followPolicy(policyId: string, changeId: string): Promise<void>;
  /** Tells a VM's windows of a request that their end has come. Unknown or ended ones are no fault. */
  endWindows(requestId: string, vmIndex: number): Promise<void>;
}
