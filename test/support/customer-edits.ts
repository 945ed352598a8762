import fc from "fast-check";
import type { SecurityRule } from "../../src/rules/nsg.ts";
import { aRule } from "./builders.ts";
import { nsgs, type World } from "./world.ts";

/** A customer adds a rule somewhere, or writes a whole group anew without our rules. */
export const editing = fc.record({
  kind: fc.constant("edit" as const),
  gate: fc.constantFrom(...Object.values(nsgs)),
  dropsOurs: fc.boolean(),
  // Behind the last number there is no place for our deny rules: that is another story.
  priority: fc.integer({ min: 100, max: 3_900 }),
  access: fc.constantFrom("Allow" as const, "Deny" as const),
  port: fc.constantFrom("22", "*", "443", "8000-9000"),
  source: fc.constantFrom("*", "203.0.113.0/24", "Internet", "10.0.0.0/8"),
});
export type Edit = typeof editing extends fc.Arbitrary<infer T> ? T : never;

const isOurs = ({ name }: SecurityRule) => name.startsWith("JitAccess-");

/** Carries an edit out; `index` makes its rule's name its own. */
export function edit(world: World, step: Edit, index: number): void {
  world.network.edit(step.gate, (rules) => {
    const kept = step.dropsOurs ? rules.filter((rule) => !isOurs(rule)) : rules;
    return kept.some((rule) => rule.priority === step.priority)
      ? kept
      : [
          ...kept,
          aRule({
            name: `theirs-${index}`,
            priority: step.priority,
            access: step.access,
            protocol: "*",
            sources: [step.source],
            destinationPorts: [step.port],
          }),
        ];
  });
}
