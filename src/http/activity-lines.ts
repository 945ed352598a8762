import type { FactRow } from "../activity/columns.ts";

/** A fact as a line of JSON, as the API gives it, with its place in its chain where that is known. */
export function jsonLine({ fact, position }: FactRow): string {
  const { chain: name, sequence, hash } = position ?? {};
  const chain = position === undefined ? undefined : { name, sequence, hash };
  return `${JSON.stringify({ ...fact, chain })}\n`;
}
