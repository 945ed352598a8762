import { describe, expect, it } from "@jest/globals";
import { groupCommit } from "../../src/tables/group-commit.ts";

describe("changes of one key that come at once", () => {
  it("go in two writes: the first alone, all others together", async () => {
    const groups: number[][] = [];
    const commit = groupCommit<number, number>(async (_key, group) => {
      groups.push(group.map((waiting) => waiting.input));
      await Promise.resolve();
      for (const waiting of group) {
        waiting.resolve(waiting.input * 10);
      }
    });

    const answers = await Promise.all([1, 2, 3, 4].map((input) => commit("gate", input)));

    expect(groups).toEqual([[1], [2, 3, 4]]);
    expect(answers).toEqual([10, 20, 30, 40]);
  });

  it("do not wait for those of another key", async () => {
    const release: (() => void)[] = [];
    const commit = groupCommit<string, string>(async (key, [waiting]) => {
      if (key === "slow") {
        await new Promise<void>((resolve) => release.push(resolve));
      }
      waiting?.resolve(key);
    });

    const slow = commit("slow", "a");
    const quick = await commit("quick", "b");
    release[0]?.();

    expect([quick, await slow]).toEqual(["quick", "slow"]);
  });

  it("fail together, and the next go on", async () => {
    let isDown = true;
    const commit = groupCommit<number, number>(async (_key, group) => {
      if (isDown) {
        throw new Error("storage is down");
      }
      for (const waiting of group) {
        waiting.resolve(waiting.input);
      }
    });

    const failed = await Promise.allSettled([commit("gate", 1), commit("gate", 2)]);
    isDown = false;

    expect(failed.map((outcome) => outcome.status)).toEqual(["rejected", "rejected"]);
    expect(await commit("gate", 3)).toBe(3);
  });
});
