import { setTimeout as pauseFor } from "node:timers/promises";
import { afterEach, describe, expect, it } from "@jest/globals";
import { RunningSystem } from "../support/running-system.ts";
import { User, until } from "./user.ts";

let system: RunningSystem;

afterEach(async () => {
  await system?.stop();
}, 30_000);

describe("a killed system", () => {
  it.each(["host", "start"] as const)(
    "closes an overdue window within seconds of the next start after kill -9 of the %s process",
    async (which) => {
      system = await RunningSystem.start({ timing: { nsgWriteMs: 200 } });
      const user = new User(system);
      const before = await user.nsg("nsg-linux");
      await user.protect("sam", "crash", ["vm-linux"]);
      await user.ask("alice", "crash", "vm-linux", 5);
      await until(
        () => user.statuses("crash"),
        ([status]) => status === "Initiated",
      );

      await system.kill(which);
      await pauseFor(5_500);
      await system.startAgain();
      const startedAt = Date.now();
      await until(
        () => user.ownRules("nsg-linux"),
        (own) => own.allow.length === 0,
        10_000,
      );
      const tookMs = Date.now() - startedAt;
      await until(
        () => user.facts("vm-linux"),
        (facts) => facts[0] === "access.close done",
      );
      await user.call("sam", "DELETE", user.policy("crash"));

      expect(tookMs).toBeLessThan(10_000);
      expect(await user.nsg("nsg-linux")).toBe(before);
    },
    60_000,
  );

  it("finishes opening and closing when it is killed in the middle of a write", async () => {
    system = await RunningSystem.start({ timing: { nsgWriteMs: 2_000 } });
    const user = new User(system);
    await user.protect("sam", "middle", ["vm-both"]);
    await user.ask("alice", "middle", "vm-both", 120);
    await pauseFor(700);

    await system.kill("host");
    await system.startAgain();
    await until(
      () => user.statuses("middle"),
      ([status]) => status === "Initiated",
      60_000,
    );

    expect((await user.ownRules("nsg-both-nic")).allow).toHaveLength(1);
    const deleted = await user.call("sam", "DELETE", user.policy("middle"));
    expect(deleted.status).toBe(200);
    expect(await user.ownRules("nsg-both-nic")).toEqual({ allow: [], deny: [] });
  }, 120_000);
});
