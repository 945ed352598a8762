import { describe, expect, it } from "@jest/globals";
import { faultKinds, type PlannedFault } from "../support/faults.ts";
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

/** The calls between which an update is under way and nobody knows, or has ended and nobody has told. */
const delicate = ["network.write", "gates.begin", "gates.end"];

/** FAULT_STEP=1 tries every call of every story with every kind of fault, for an hour; 10 every tenth. */
const step = Number(process.env["FAULT_STEP"] ?? Number.POSITIVE_INFINITY);

/** Which of a story's calls meet a fault, and which: each kind at other calls than the others. */
function faultsFor(calls: readonly string[]): readonly PlannedFault[] {
  const places = calls.map((_, index) => index + 1);
  return [
    ...places
      .filter((at) => delicate.includes(calls[at - 1] ?? ""))
      .map((at) => ({ at, kind: "dies after" as const })),
    ...faultKinds.flatMap((kind, index) =>
      places.filter((at) => (at + index) % step === 0).map((at) => ({ at, kind })),
    ),
  ];
}

async function wrongWith(story: FirewallStory): Promise<readonly string[]> {
  return faultsOf(story, await tellFirewallStory(story)).catch((error: unknown) => [String(error)]);
}

describe.each(told)("a window behind a firewall ($kind), $name", (story) => {
  it("is open and shut when it should, and told as it was", async () => {
    expect(await wrongWith(story)).toEqual([]);
  });
});

// The gates differ in their rules alone: each story meets faults on one of them, unless all are asked for.
const faulty = told.filter(
  (_, index) => step < Number.POSITIVE_INFINITY || index % 4 < 1 || index % 4 > 2,
);

describe.each(faulty)("a window behind a firewall ($kind), $name", (story) => {
  it("is so too when the process that looks after it dies or fails", async () => {
    const { calls } = await tellFirewallStory(story);
    const wrong: string[] = [];
    for (const fault of faultsFor(calls)) {
      const found = await wrongWith({ ...story, fault });
      wrong.push(...found.map((one) => `${fault.at} ${calls[fault.at - 1]} ${fault.kind}: ${one}`));
    }

    expect(calls.length).toBeGreaterThan(100);
    expect(wrong).toEqual([]);
  }, 7_200_000);
});
