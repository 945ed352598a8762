import type { Outcome } from "../../src/reasons.ts";

/** The reasons of a refusal as `code target`; `ok` when it is none. */
export function targets(outcome: Outcome<unknown>): readonly string[] {
  return outcome.outcome === "ok"
    ? ["ok"]
    : outcome.reasons.map(({ code, target }) =>
        target === undefined ? code : `${code} ${target}`,
      );
}

/** The codes of a refusal; none when it is none. */
export function codesOf(outcome: Outcome<unknown>): readonly string[] {
  return outcome.outcome === "ok" ? [] : outcome.reasons.map(({ code }) => code);
}

/** The value of an outcome that has to be one. */
export function accepted<T>(outcome: Outcome<T>): T {
  if (outcome.outcome === "refused") {
    throw new Error(`It was refused: ${outcome.reasons.map(({ message }) => message).join(" ")}`);
  }
  return outcome.value;
}
