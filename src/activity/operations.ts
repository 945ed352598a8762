import type { FactOutcome, Operation } from "./fact.ts";
import { factKinds } from "./kinds.ts";

/** Every operation that a fact can tell of. */
export const operations = Object.keys(factKinds) as readonly Operation[];

/** How a fact can stand. */
export const factOutcomes: readonly FactOutcome[] = ["asked", "done", "failed", "refused"];

/** The operations that a word names: one by its name, or all of a kind as `access.*`. None where there is no such. */
export function operationsNamed(word: string): readonly Operation[] {
  const kind = word.endsWith(".*") ? word.slice(0, -1) : undefined;
  return operations.filter((one) => (kind === undefined ? one === word : one.startsWith(kind)));
}
