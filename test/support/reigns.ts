import { idKey } from "../../src/policy/resource-id.ts";
import type { FirewallRule } from "../../src/rules/firewall.ts";
import type { World } from "./world.ts";

/** From when until when (milliseconds since 1970) a rule was in effect on a firewall; one that still is has no end. */
export interface Reign {
  readonly name: string;
  readonly rule: FirewallRule;
  readonly from: number;
  readonly to: number;
}

/** When each rule of ours was in effect on a firewall, whatever else it said meanwhile. */
export function reignsOn({ network }: Pick<World, "network">, gateId: string): readonly Reign[] {
  // What ends by itself is noticed when somebody looks.
  network.rulesInEffect(gateId);
  const effects = network.effects.filter((effect) => idKey(effect.gateId) === idKey(gateId));
  const reigns: Reign[] = [];
  const open = new Map<string, { readonly rule: FirewallRule; readonly from: number }>();
  for (const { at, rules } of effects) {
    const ours = new Map(
      rules.filter(({ name }) => name.startsWith("JitAccess-")).map((rule) => [rule.name, rule]),
    );
    for (const [name, { rule, from }] of open) {
      if (!ours.has(name)) {
        reigns.push({ name, rule, from, to: at });
        open.delete(name);
      }
    }
    for (const [name, rule] of ours) {
      open.set(name, open.get(name) ?? { rule, from: at });
    }
  }
  const left = [...open].map(([name, { rule, from }]) => ({
    name,
    rule,
    from,
    to: Number.POSITIVE_INFINITY,
  }));
  return [...reigns, ...left];
}

/** When something of ours let people through for a window, by its id. */
export const allowedFor = (world: Pick<World, "network">, gateId: string, windowId: string) =>
  reignsOn(world, gateId).filter(
    ({ name, rule }) => rule.access === "Allow" && name.includes(windowId),
  );
