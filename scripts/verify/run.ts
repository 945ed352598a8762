import type { Problem } from "../../src/activity/problem.ts";
import {
  monthsOf,
  readAnchors,
  type VerifyPorts,
  verifyOneMonth,
} from "../../src/workflow/verify-activity.ts";
import { VerifyError, type VerifyOptions } from "./options.ts";

/** What came out, as `--json` prints it. */
export interface VerifyResult {
  readonly verified: boolean;
  readonly months: readonly string[];
  readonly chains: number;
  readonly facts: number;
  readonly problems: readonly Problem[];
  readonly anchors: {
    readonly checked: number;
    readonly latest: string | null;
    readonly latestInContainer: string | null;
  };
  readonly checkedAt: string;
}

/** Progress is told so often, in rows. */
const rowsBetween = 50_000;

/** Verifies all months of the span. Throws a VerifyError where there is nothing that could be verified. */
export async function runVerify(
  ports: VerifyPorts,
  { from, to }: Pick<VerifyOptions, "from" | "to">,
  say: (text: string) => void,
): Promise<VerifyResult> {
  const there = await ports.ledger.months();
  const anchors = await readAnchors(ports, from < "1970-01" ? "1970-01" : from);
  const months = monthsOf(there, anchors, { from, to });
  if (months.length === 0) {
    throw new VerifyError("There is no activity of that time: nothing could be verified.");
  }
  const problems = [...anchors.problems];
  let [chains, facts] = [0, 0];
  for (const month of months) {
    const verified = await verifyOneMonth(ports, month, anchors, {
      isThere: there.includes(month),
      onProgress: (rows) => rows % rowsBetween === 0 && say(`  ${month}  ${rows} rows …`),
    });
    const found = verified?.problems ?? [];
    problems.push(...found);
    chains += verified?.chains ?? 0;
    facts += verified?.facts ?? 0;
    const outcome = found.length === 0 ? "as written" : `${found.length} problem(s)`;
    say(`  ${month}  ${verified?.facts ?? 0} facts, ${verified?.chains ?? 0} chains: ${outcome}`);
  }
  return {
    verified: problems.length === 0,
    months,
    chains,
    facts,
    problems,
    anchors: {
      checked: anchors.checked,
      latest: anchors.latest ?? null,
      latestInContainer: anchors.latestInContainer ?? null,
    },
    checkedAt: ports.clock.now().toISOString(),
  };
}

/** The result for people; at most so many problems, then how many more. */
export function resultText(result: VerifyResult, most = 50): string {
  const { verified, problems, facts, chains, anchors } = result;
  const lines = problems.slice(0, most).map(problemLine);
  const more = problems.length > most ? [`… and ${problems.length - most} more`] : [];
  const newest = anchors.latest === null ? "" : `, the newest of ${anchors.latest}`;
  const copied =
    anchors.latestInContainer === null ? "" : ` (in the container: ${anchors.latestInContainer})`;
  return [
    ...lines,
    ...more,
    `Anchors: ${anchors.checked}${newest}${copied}.`,
    verified
      ? `Verified: ${facts} facts in ${chains} chains are as they were written.`
      : `NOT verified: ${problems.length} chain(s) are not as they were written.`,
    "",
  ].join("\n");
}

function problemLine({ kind, chain, sequence, factId, at, message }: Problem): string {
  const where = [
    ...(sequence === undefined ? [] : [`number ${sequence}`]),
    ...(factId === undefined ? [] : [`fact ${factId}`]),
    ...(at === undefined ? [] : [at]),
  ].join(", ");
  return `${kind}: ${chain}${where === "" ? "" : ` (${where})`}\n    ${message}`;
}
