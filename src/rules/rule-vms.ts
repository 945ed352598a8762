import { denyDrafts } from "./desired-rules.ts";
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
