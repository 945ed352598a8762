import { mapLimited } from "../map-limited.ts";
import { idKey, resourceName } from "../policy/resource-id.ts";
import type { GateReading } from "../ports.ts";
import type { FirewallRule } from "../rules/firewall.ts";
import type { ListFromArm } from "./arm-list.ts";
import { ArmError } from "./azure-error.ts";
import { type IpGroups, readRuleGroup, rulesOf } from "./firewall-json.ts";
import { parallelReads, publicAddressesOf, readIpGroups, stateOf } from "./firewall-reading.ts";
import {
  anyItem,
  type FirewallPolicy,
  firewallKind,
  firewallPolicyKind,
  resourceUrl,
} from "./resource-kinds.ts";
import { type ReadResource, valueIn } from "./resource-reads.ts";

/** Reads of one policy go through these. */
export interface PolicyReads {
  readonly list: ListFromArm;
  readonly read: ReadResource;
}

interface RuleGroup extends ReturnType<typeof readRuleGroup> {
  readonly raw: unknown;
  /** Rules of a lower level are read first: 1 of the policy's own, 0 of its parent's, -1 of that one's parent's. */
  readonly level: number;
}

const ownLevel = 1;
/** Parents that are followed; what is above them counts as unknown. */
const mostParents = 5;

/**
 * Reads a firewall policy as a gate, `gateId` being that of a rule collection group of ours, whether it exists or not; nothing
 * when there is no such policy.
 */
export async function readPolicyGate(
  gateId: string,
  reads: PolicyReads,
): Promise<GateReading | undefined> {
  const { read } = reads;
  const policy = valueIn(await read(firewallPolicyKind, policyIdOf(gateId)));
  if (policy === undefined) {
    return undefined;
  }
  const [groups, parents, firewalls] = await Promise.all([
    readGroups(policy.id, ownLevel, reads),
    readParents(policy, reads),
    readFirewalls(policy, read),
  ]);
  const own = groups.find(({ id }) => idKey(id) === idKey(gateId));
  const all = [...parents.groups, ...groups];
  const ipGroups = await readIpGroups(
    all.flatMap(({ collections }) => collections),
    read,
  );
  return {
    gate: {
      id: own?.id ?? `${policy.id}/ruleCollectionGroups/${asWritten(resourceName(gateId))}`,
      kind: "policy",
      name: policy.name,
      rules: [
        ...parents.unknown,
        ...all.flatMap((group) => groupRules(asSeenFrom(gateId, group), ipGroups)),
      ],
      groupPriorities: groups.filter((group) => group !== own).map(({ priority }) => priority),
      publicAddresses: firewalls.flatMap(({ addresses }) => addresses),
    },
    etag: own?.etag ?? "",
    ...stateOf([
      own?.provisioningState,
      policy.properties.provisioningState,
      ...firewalls.map(({ state }) => state),
    ]),
    raw: own?.raw,
  };
}

/** The name as people are to see it in Azure: the ids of gates are stored in small letters. */
const asWritten = (name: string): string => name.replace(/^jitaccess-/i, "JitAccess-");

/** The policy of a rule collection group. */
const policyIdOf = (groupId: string): string => groupId.split("/").slice(0, -2).join("/");

/**
 * NB. A collection is ours in our own group alone. Where another group, or a parent policy, has one of that name (a copy, or what
 * this very deployment holds there) no write of this gate changes it: it bears its group's name, and is planned around.
 */
function asSeenFrom(gateId: string, group: RuleGroup): RuleGroup {
  const isLikeOurs = (name: string) =>
    name.toLowerCase().startsWith(`${resourceName(gateId).toLowerCase()}-`);
  return idKey(group.id) === idKey(gateId)
    ? group
    : {
        ...group,
        collections: group.collections.map((collection) =>
          isLikeOurs(collection.name)
            ? { ...collection, name: `${group.name}/${collection.name}` }
            : collection,
        ),
      };
}

/** A policy inherits network rules, and no DNAT rules. */
function groupRules(
  { collections, level, priority }: RuleGroup,
  ipGroups: IpGroups,
): readonly FirewallRule[] {
  return collections
    .filter(({ kind }) => level === ownLevel || kind === "network")
    .flatMap((collection) => rulesOf(collection, ipGroups, [level, priority]));
}

async function readGroups(
  policyId: string,
  level: number,
  { list }: PolicyReads,
): Promise<readonly RuleGroup[]> {
  const items = await list(
    resourceUrl(policyId, firewallPolicyKind, "ruleCollectionGroups"),
    anyItem,
    `The rule collection groups of ${policyId}`,
  );
  return items.map((raw) => ({ ...readRuleGroup(raw), raw, level }));
}

interface Parents {
  readonly groups: readonly RuleGroup[];
  readonly unknown: readonly FirewallRule[];
}

async function readParents(child: FirewallPolicy, reads: PolicyReads): Promise<Parents> {
  const groups: RuleGroup[] = [];
  let parentId = child.properties.basePolicy?.id ?? undefined;
  for (let level = ownLevel - 1; parentId !== undefined; level -= 1) {
    const parent = level > ownLevel - 1 - mostParents && (await readParent(parentId, level, reads));
    if (!parent) {
      return { groups, unknown: [unknownRule(parentId, level)] };
    }
    groups.push(...parent.groups);
    parentId = parent.above;
  }
  return { groups, unknown: [] };
}

/** Nothing where the service may not read it: it may lie in a subscription of other people. */
async function readParent(
  policyId: string,
  level: number,
  reads: PolicyReads,
): Promise<
  { readonly groups: readonly RuleGroup[]; readonly above: string | undefined } | undefined
> {
  const found = await reads.read(firewallPolicyKind, policyId);
  if (found.is !== "there") {
    return undefined;
  }
  try {
    const groups = await readGroups(policyId, level, reads);
    return { groups, above: found.value.properties.basePolicy?.id ?? undefined };
  } catch (error) {
    if (error instanceof ArmError && (error.status === 403 || error.status === 404)) {
      return undefined;
    }
    throw error;
  }
}

/**
 * What stands for the rules of a parent that cannot be read. NB. It allows: a hidden rule that lets traffic through would keep a
 * port open before our deny rule, and that has to be told; a hidden one that denies only keeps somebody out.
 */
const unknownRule = (policyId: string, level: number): FirewallRule => ({
  name: `rules of parent policy '${resourceName(policyId)}'`,
  kind: "network",
  access: "Allow",
  collection: "not readable",
  order: [level, 0, 0],
  protocols: ["Any"],
  sources: ["*"],
  destinations: ["*"],
  destinationPorts: ["*"],
  isPartlyUnknown: true,
  description: "",
});

/** Those that may be read: a policy serves firewalls of other people, too. */
async function readFirewalls(
  { properties }: FirewallPolicy,
  read: ReadResource,
): Promise<
  readonly { readonly state: string | null | undefined; readonly addresses: readonly string[] }[]
> {
  const found = await mapLimited(properties.firewalls ?? [], parallelReads, async ({ id }) => {
    const firewall = await read(firewallKind, id);
    return firewall.is === "there"
      ? {
          state: firewall.value.properties.provisioningState,
          addresses: await publicAddressesOf(firewall.value, read),
        }
      : undefined;
  });
  return found.filter((firewall) => firewall !== undefined);
}
