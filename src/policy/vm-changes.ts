import { type Change, changesBetween, firstChanges, mostChanges } from "./changes.ts";
import type { Policy, PolicyVirtualMachine, PortRule } from "./policy.ts";
import { idKey } from "./resource-id.ts";

/** What a change of a policy means for one VM. */
export interface VmChange {
  readonly vmId: string;
  readonly changes: readonly Change[];
}

/** The part of a policy that says what may be opened on its VMs. */
export type Protecting = Pick<Policy, "virtualMachines" | "takePriority">;

/** NB. So many differences are told of all VMs together: they are stored with the policy, whose row has to stay writable. */
const mostInAll = 1_000;

/** A port's rule that is longer as JSON tells its sources one by one. */
const longestRule = 300;

/**
 * What a change does to each VM that it concerns: to its ports, the firewall's address it is reached by, and whether its deny rules
 * go before others. A VM that stays as it was is left out.
 */
export function vmChanges(
  vmIds: readonly string[],
  before: Protecting | undefined,
  after: Protecting | undefined,
): readonly VmChange[] {
  const [old, now] = [valuesByVm(before), valuesByVm(after)];
  const changed = vmIds
    .map((vmId) => ({
      vmId,
      changes: changesBetween(...valuesOf(old.get(idKey(vmId)), now.get(idKey(vmId)))),
    }))
    .filter(({ changes }) => changes.length > 0);
  const most = Math.min(mostChanges, Math.max(1, Math.floor(mostInAll / changed.length)));
  return changed.map(({ vmId, changes }) => ({ vmId, changes: firstChanges(changes, most) }));
}

interface VmValues {
  readonly vm: PolicyVirtualMachine;
  readonly takePriority: boolean;
}

function valuesByVm(policy: Protecting | undefined): ReadonlyMap<string, VmValues> {
  const takePriority = policy?.takePriority === true;
  return new Map((policy?.virtualMachines ?? []).map((vm) => [idKey(vm.id), { vm, takePriority }]));
}

type Values = ReadonlyMap<string, string>;

/** Both sides in the same form: a port whose rule is long on one side tells its sources one by one on both. */
function valuesOf(before: VmValues | undefined, after: VmValues | undefined): [Values, Values] {
  const rules = [before, after].flatMap((side) => side?.vm.ports ?? []);
  const long = new Set(
    rules
      .filter((rule) => JSON.stringify(rule).length > longestRule)
      .map(({ number: port }) => port),
  );
  return [pathsOf(before, long), pathsOf(after, long)];
}

function pathsOf(side: VmValues | undefined, long: ReadonlySet<number>): Values {
  if (side === undefined) {
    return new Map();
  }
  const { vm, takePriority } = side;
  return new Map([
    ...vm.ports.flatMap((rule) => ruleValues(rule, long.has(rule.number))),
    ...(vm.publicIpAddress === undefined
      ? []
      : ([["publicIpAddress", JSON.stringify(vm.publicIpAddress)]] as const)),
    ...(takePriority ? ([["takePriority", "true"]] as const) : []),
  ]);
}

/** NB. In an order of its own, so that neither that of its members nor that of its sources is a difference. */
function ruleValues(rule: PortRule, isLong: boolean): readonly (readonly [string, string])[] {
  const path = `ports[${rule.number}]`;
  const sources = rule.allowedSourceAddressPrefixes?.toSorted();
  const text = JSON.stringify({
    number: rule.number,
    protocol: rule.protocol,
    allowedSourceAddressPrefix: rule.allowedSourceAddressPrefix,
    [list]: isLong ? undefined : sources,
    maxRequestAccessDuration: rule.maxRequestAccessDuration,
  });
  const oneByOne = isLong ? (sources ?? []) : [];
  return [
    [path, text],
    ...oneByOne.map((source) => [`${path}.${list}[${source}]`, JSON.stringify(source)] as const),
  ];
}

const list = "allowedSourceAddressPrefixes";
