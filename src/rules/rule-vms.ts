import { idKey } from "../policy/resource-id.ts";
import type { GateRecord } from "../ports.ts";
import { denyDrafts } from "./desired-rules.ts";
import { type GateRule, isFirewallRule } from "./gate.ts";
import type { GateIntent, Owner } from "./intent.ts";
import { allowRuleName, dnatRuleName } from "./owned.ts";

/** Tells by its name the VM that a rule of ours is there for, on a gate of either kind; nothing of one that these intents do not know. */
export function vmsOfRules(
  owner: Owner,
  ...intents: readonly Pick<GateIntent, "denies" | "windows">[]
): (ruleName: string) => string | undefined {
  const denies = intents.flatMap((intent) => denyDrafts(intent, owner));
  const names = [
    ...denies.map(({ rule, vmId }) => [rule.name, vmId] as const),
    ...intents.flatMap(({ windows }) =>
      windows.flatMap(({ windowId, vmId }) =>
        [
          allowRuleName(owner, windowId, 4),
          allowRuleName(owner, windowId, 6),
          dnatRuleName(owner, windowId),
        ].map((name) => [name, vmId] as const),
      ),
    ),
  ];
  const vms = new Map(names.map(([name, vmId]) => [name.toLowerCase(), vmId]));
  return (ruleName) => vms.get(ruleName.toLowerCase());
}

/** What a gate's record knows of the VMs that rules are there for. */
type Known = Pick<GateRecord, "intent" | "proven" | "writing">;

/**
 * As {@link vmsOfRules}, also of rules that are not wanted any more: by what was known when they were proven, or about to be written,
 * and in the end by the address they speak about, where it is that of one VM alone.
 */
export function vmsOfRecord(
  owner: Owner,
  { intent, proven = [], writing }: Known,
): (ruleName: string, rule?: GateRule) => string | undefined {
  const wanted = vmsOfRules(owner, intent);
  const written = (writing?.vms ?? []).flatMap(({ vmId, rules }) =>
    rules.map(({ name }) => ({ name, vmId })),
  );
  const remembered = new Map(
    [...written, ...proven].flatMap(({ name, vmId }) =>
      vmId === undefined ? [] : [[name.toLowerCase(), vmId] as const],
    ),
  );
  const byAddress = vmsOfAddresses(intent);
  return (ruleName, rule) =>
    wanted(ruleName) ??
    remembered.get(ruleName.toLowerCase()) ??
    (rule === undefined ? undefined : byAddress(rule));
}

function vmsOfAddresses({ denies }: GateIntent): (rule: GateRule) => string | undefined {
  const vms = Map.groupBy(
    denies.flatMap(({ addresses, vmId }) => addresses.map((address) => ({ address, vmId }))),
    ({ address }) => address,
  );
  return (rule) => {
    const translated = isFirewallRule(rule) ? rule.translatedAddress : undefined;
    const addresses = translated === undefined ? rule.destinations : [translated];
    const found = addresses.map(
      (address) => new Set((vms.get(address) ?? []).map(({ vmId }) => idKey(vmId))),
    );
    const all = new Set(found.flatMap((some) => [...some]));
    return found.every(({ size }) => size === 1) && all.size === 1
      ? vms.get(addresses[0] ?? "")?.[0]?.vmId
      : undefined;
  };
}
