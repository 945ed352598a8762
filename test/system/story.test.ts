import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { RunningSystem } from "../support/running-system.ts";
import { User, until } from "./user.ts";

// The whole system with its real processes; windows of a few seconds pass in real time.
let system: RunningSystem;
let user: User;

beforeAll(async () => {
  system = await RunningSystem.start({ timing: { nsgWriteMs: 300 } });
  user = new User(system);
}, 60_000);

afterAll(async () => {
  await system?.stop();
}, 30_000);

describe("one access request, end to end", () => {
  const both = async () => [
    await user.nsg("nsg-both-nic"),
    await user.nsg("nsg-both-subnet", "rg-network"),
  ];
  const ownRules = async () => [
    await user.ownRules("nsg-both-nic"),
    await user.ownRules("nsg-both-subnet", "rg-network"),
  ];

  it("closes both groups in front of a VM, opens both for the window, and leaves both as they were", async () => {
    const original = await both();

    const put = await user.protect("sam", "story", ["vm-both"], [22, 3389]);
    const guarded = await both();
    const denies = await ownRules();
    const startedAt = performance.now();
    const token = await user.token("alice");
    const signedInAt = performance.now();
    const asked = await user.callWith(token, "POST", `${user.policy("story")}/initiate`, {
      virtualMachines: [
        {
          id: user.vm("vm-both"),
          ports: [{ number: 22, duration: "PT4S", allowedSourceAddressPrefix: "203.0.113.7" }],
        },
      ],
      justification: "story",
    });
    await until(
      () => user.statuses("story"),
      ([status]) => status === "Initiated",
    );
    const open = await ownRules();
    await until(
      () => user.statuses("story"),
      ([status]) => status === "Revoked",
    );
    const closed = await both();
    const deleted = await user.call("sam", "DELETE", user.policy("story"));

    expect(signedInAt).toBeGreaterThan(startedAt);
    expect(put.status).toBe(200);
    expect(put.body.properties.provisioningState).toBe("Succeeded");
    expect(denies.map((own) => [own.deny.length, own.allow.length])).toEqual([
      [1, 0],
      [1, 0],
    ]);
    expect(asked.status).toBe(202);
    expect(asked.body).toMatchObject({
      requestor: "alice@contoso.example",
      justification: "story",
      virtualMachines: [
        {
          id: user.vm("vm-both"),
          ports: [
            {
              number: 22,
              allowedSourceAddressPrefix: "203.0.113.7",
              status: "Initiating",
              statusReason: "UserRequested",
            },
          ],
        },
      ],
    });
    expect(open.map((own) => [own.deny.length, own.allow.length])).toEqual([
      [1, 1],
      [1, 1],
    ]);
    expect(closed).toEqual(guarded);
    expect(deleted.status).toBe(200);
    expect(await both()).toEqual(original);
    expect((await user.facts("vm-both")).slice(0, 9)).toEqual([
      "policy.delete done",
      "policy.delete asked",
      "access.close done",
      "access.close asked",
      "access.open done",
      "access.open asked",
      "access.initiate asked",
      "policy.write done",
      "policy.write asked",
    ]);
  }, 60_000);

  it("closes two people's windows on one VM each at its own time", async () => {
    await user.protect("sam", "two", ["vm-linux"], [22]);
    await user.ask("alice", "two", "vm-linux", 3, "203.0.113.7");
    await user.ask("bob", "two", "vm-linux", 7, "198.51.100.9");
    await until(
      () => user.statuses("two"),
      (all) => all.every((status) => status === "Initiated"),
    );
    const together = await user.ownRules("nsg-linux");

    const first = await until(
      () => user.statuses("two"),
      (all) => all.includes("Revoked"),
    );
    const alone = await user.ownRules("nsg-linux");
    await until(
      () => user.statuses("two"),
      (all) => all.every((status) => status === "Revoked"),
    );
    const none = await user.ownRules("nsg-linux");

    expect(together.allow).toHaveLength(2);
    expect(first).toEqual(["Initiated", "Revoked"]);
    expect(alone.allow).toHaveLength(1);
    expect(none).toMatchObject({ allow: [] });
    await user.call("sam", "DELETE", user.policy("two"));
  }, 60_000);

  it("opens twenty windows asked for at once behind one group with a few writes, one after the other", async () => {
    const vms = Array.from(
      { length: 20 },
      (_, index) => `vm-farm-${String(index + 1).padStart(2, "0")}`,
    );
    await user.protect("olivia", "farm", vms);
    const asksFrom = new Date().toISOString();

    const answers = await Promise.all(
      vms.map((vm, index) => user.ask("olivia", "farm", vm, 12, `203.0.113.${index + 1}`)),
    );
    await until(
      () => user.statuses("farm"),
      (all) => all.length === 20 && all.every((status) => status === "Initiated"),
    );

    expect(answers.map((answer) => answer.status)).toEqual(vms.map(() => 202));
    expect((await user.ownRules("nsg-farm")).allow).toHaveLength(20);
    const log = (await user.armRequests()).filter((entry) => entry.time >= asksFrom);
    const writes = log.filter(
      (entry) =>
        /networkSecurityGroups/i.test(entry.path) && ["PUT", "DELETE"].includes(entry.method),
    );
    expect(writes.length).toBeLessThanOrEqual(5);
    expect(writes.every((entry) => entry.status < 300)).toBe(true);
    await until(
      () => user.statuses("farm"),
      (all) => all.every((status) => status === "Revoked"),
      40_000,
    );
    expect((await user.ownRules("nsg-farm")).allow).toEqual([]);
  }, 90_000);

  it("refuses to protect a VM that no network security group stands in front of", async () => {
    const answer = await user.protect("olivia", "bare", ["vm-bare"]);

    expect(answer.status).toBe(400);
    expect(answer.body.error.code).toBe("NetworkSecurityGroupMissing");
    expect((await user.call("olivia", "GET", user.policy("bare"))).status).toBe(404);
  });

  it("takes open windows away with their policy", async () => {
    await user.protect("sam", "short", ["vm-linux"]);
    await user.ask("alice", "short", "vm-linux", 600);
    await until(
      () => user.statuses("short"),
      ([status]) => status === "Initiated",
    );

    const deleted = await user.call("sam", "DELETE", user.policy("short"));

    expect(deleted.status).toBe(200);
    expect(await user.ownRules("nsg-linux")).toEqual({ allow: [], deny: [] });
    await until(
      () => user.facts("vm-linux"),
      ([newest, second]) => [newest, second].includes("access.close done"),
    );
  }, 30_000);
});
