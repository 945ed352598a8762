import type { Outcome } from "../../src/reasons.ts";

/** The reasons of a refusal as `code target`; `ok` when it is none. */
export function targets(outcome: Outcome<unknown>): readonly string[] {
  return outcome.outcome === "ok"
    ? ["ok"]
    : outcome.reasons.map(({ code, target }) =>
        target === undefined ? code : `${code} ${target}`,
      );
}
