import { describe, expect, it } from "@jest/globals";
import { type FaultKind, faultKinds } from "../support/faults.ts";
import { type FirewallStory, tellFirewallStory } from "../support/firewall-story.ts";
import { faultsOf } from "../support/firewall-verdict.ts";

const minute = 60_000;

const stories: readonly (Omit<FirewallStory, "kind"> & { readonly name: string })[] = [
  { name: "from its opening to its end", minutes: 30 },
  { name: "counting from when it is open", minutes: 20, isCounting: true },
  { name: "with an end that is asked for", minutes: 60, revokedAt: 20 * minute },
  { name: "ended while it is being opened", minutes: 60, revokedAt: 2 * minute },
  { name: "extended", minutes: 40, extended: { at: 20 * minute, minutes: 30 } },
];
const told = stories.flatMap((story) => [
  { ...story, kind: "classic" as const },
  { ...story, kind: "policy" as const },
]);

/** Of a thousand calls of a story, every so manieth meets the fault; FAULT_STEP=1 tries all of them, for an hour. */
const step = Number(process.env["FAULT_STEP"] ?? 499);

async function faultsAt(story: FirewallStory, at: number, kind: FaultKind) {
  const faulty = { ...story, fault: { at, kind } };
  return faultsOf(faulty, await tellFirewallStory(faulty)).catch((error: unknown) => [
    String(error),
  ]);
}

describe.each(told)("a window behind a firewall ($kind), $name", (story) => {
  it("is open and shut when it should, whichever of its calls meets a fault", async () => {
    const well = await tellFirewallStory(story);
    const wrong: string[] = [];
    for (const [index, kind] of faultKinds.entries()) {
      // Each kind at other calls than the others.
      for (let at = 1 + index * 97; at <= well.calls.length; at += step) {
        const faults = await faultsAt(story, at, kind);
        wrong.push(...faults.map((fault) => `${at} ${well.calls[at - 1]} ${kind}: ${fault}`));
      }
    }

    expect(await faultsOf(story, well)).toEqual([]);
    expect(wrong).toEqual([]);
  }, 3_600_000);
});
