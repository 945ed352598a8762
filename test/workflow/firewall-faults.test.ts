import { describe, expect, it } from "@jest/globals";
import { faultKinds } from "../support/faults.ts";
import { type FirewallStory, tellFirewallStory } from "../support/firewall-story.ts";

const minute = 60_000;

const stories: Readonly<Record<string, Omit<FirewallStory, "kind">>> = {
  "from its opening to its end": { minutes: 30 },
  "counting from when it is open": { minutes: 20, isCounting: true },
  "with an end that is asked for": { minutes: 60, revokedAt: 20 * minute },
  "with an end that is asked for while it is being opened": { minutes: 60, revokedAt: 2 * minute },
  "extended while it is open": { minutes: 40, extended: { at: 20 * minute, minutes: 30 } },
};

const told = Object.keys(stories).flatMap((name) =>
  (["classic", "policy"] as const).map((kind) => ({
    name,
    kind,
    story: { ...stories[name], kind } as FirewallStory,
  })),
);

describe.each(told)("a window behind a firewall ($kind) $name", ({ story }) => {
  it("goes well when nothing fails", async () => {
    const { faults, updates } = await tellFirewallStory(story);
    expect(faults).toEqual([]);
    console.log(updates);
  });

  it.each(faultKinds)(
    "goes well when any one of its calls %s, and it is tried again",
    async (kind) => {
      const { calls } = await tellFirewallStory(story);
      const bad: string[] = [];
      const step = Number(process.env["STEP"] ?? 97);
      for (let at = 1; at <= calls.length; at += step) {
        const t = await tellFirewallStory({ ...story, fault: { at, kind } }).catch(
          (e: unknown) => ({ faults: [String(e)] }),
        );
        bad.push(...t.faults.map((f) => `${at} ${calls[at - 1]}: ${f}`));
      }
      expect(bad).toEqual([]);
    },
    1_800_000,
  );
});
