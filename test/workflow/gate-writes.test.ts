import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Fact } from "../../src/activity/fact.ts";
import type { WriteOutcome } from "../../src/ports.ts";
import { closeWindows } from "../../src/workflow/close-windows.ts";
import { openWindows } from "../../src/workflow/open-windows.ts";
import { anew, createSettle } from "../../src/workflow/settle.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import { anAccessRequest, aVirtualMachine, aWindow, requestId, vmId } from "../support/builders.ts";
import { createFaults } from "../support/faults.ts";
import { bothWebVms, createWorld, nsgs, type World } from "../support/world.ts";

const vm = { requestId, vmIndex: 0 };
const refusal: WriteOutcome = {
  outcome: "refused",
  reason: { code: "GateNotWritable", message: "A lock is on it.", target: nsgs.card },
};

describe("what is told of the writes of a gate", () => {
  let world: World;

  beforeEach(async () => {
    world = createWorld();
    await world.protect({ virtualMachines: bothWebVms });
    await world.request(anAccessRequest({ windows: [aWindow()] }));
    // What follows is later than what was told until now.
    await world.clock.advance(1_000);
  });

  const open = (process = world.start()) => openWindows(process, vm);
  const close = () =>
    closeWindows(world.start(), { ...vm, endReason: "UserRequested", attempt: 1 });
  const onCard = ({ gates = [] }: Fact) => gates.some(({ id }) => id === nsgs.card);
  const told = async (outcome: string, after = 0) =>
    (await world.factsOf("gate.write"))
      .slice(after)
      .filter((fact) => fact.outcome === outcome && onCard(fact));
  const count = async () => (await world.factsOf("gate.write")).length;

  it("is, for each VM, what is to be changed, and then what stands, when it was read, and its ETag", async () => {
    const facts = await world.factsOf("gate.write");
    const onSubnet = facts.filter(({ gates }) => gates?.[0]?.id === nsgs.subnet);

    expect(onSubnet.map(({ outcome, vmId: of }) => `${outcome} ${of}`).toSorted()).toEqual([
      `asked ${vmId("web-1")}`,
      `asked ${vmId("web-2")}`,
      `done ${vmId("web-1")}`,
      `done ${vmId("web-2")}`,
    ]);
    const [deny] = world.ours(nsgs.card);
    const [[asked], [done]] = [await told("asked"), await told("done")];
    expect(asked?.changes).toEqual([{ path: deny?.name, after: expect.any(String) }]);
    expect(done?.gates).toEqual([
      { id: nsgs.card, rules: [deny?.name], readAt: expect.any(String), etag: expect.any(String) },
    ]);
  });

  it("names the VM of a rule that goes, also where nothing is wanted of it any more", async () => {
    await world.clock.run(open());
    await world.clock.advance(1_000);
    const before = await count();
    await world.clock.run(close());
    await world.clock.advance(1_000);
    await world.protectAgain({ virtualMachines: [aVirtualMachine({ id: vmId("web-2") })] });

    const asked = (await world.factsOf("gate.write"))
      .slice(before)
      .filter(({ outcome }) => outcome === "asked");
    const done = await told("done", before);

    expect(asked).toHaveLength(4);
    expect(asked.map((fact) => fact.vmId)).toEqual(asked.map(() => vmId("web-1")));
    expect(asked.flatMap(({ changes = [] }) => changes.map(({ after }) => after))).toEqual(
      asked.map(() => undefined),
    );
    expect(done.at(-1)?.gates?.[0]?.rules).toEqual([]);
  });

  it("is told once of a write that Azure refuses, however often it is tried, and as done when it is proven in the end", async () => {
    const before = await count();
    world.network.failWrites(...Array.from({ length: 20 }, () => ({ result: refusal })));
    await world.gates.touch(nsgs.card);
    await world.gates.change(nsgs.card, { removeWindows: [] });
    world.network.edit(nsgs.card, (rules) => rules.filter(({ access }) => access !== "Deny"));
    for (let minute = 0; minute < 5; minute += 1) {
      await world.clock.advance(60_000);
      await world.clock.run(sweep(world.start()));
    }
    const refused = await told("failed", before);
    const asked = await told("asked", before);
    world.network.failWrites();
    for (let minute = 0; minute < 20; minute += 1) {
      await world.clock.advance(60_000);
      await world.clock.run(sweep(world.start()));
    }

    expect(asked).toHaveLength(1);
    expect(refused).toHaveLength(1);
    expect(refused[0]?.reasons?.[0]?.code).toBe("GateNotWritable");
    expect(await told("asked", before)).toHaveLength(1);
    expect(await told("done", before)).toHaveLength(1);
  });

  it("says of a write that was told, never sent and not wanted any more that it was not carried out", async () => {
    const before = await count();
    const calls = createFaults();
    const rehearsal = createWorld();
    await rehearsal.protect({ virtualMachines: bothWebVms });
    await rehearsal.request(anAccessRequest({ windows: [aWindow()] }));
    await rehearsal.clock.run(openWindows(rehearsal.start(calls), vm));
    const firstWrite = calls.calls.indexOf("network.write") + 1;
    const faults = createFaults({ at: firstWrite, kind: "dies before" });

    void open(world.start(faults));
    await world.clock.runUntil(() => faults.hasStruck);
    const asked = (await world.factsOf("gate.write")).slice(before);
    await world.clock.run(close());
    const failed = (await world.factsOf("gate.write")).filter(
      ({ outcome }) => outcome === "failed",
    );

    expect(asked.length).toBeGreaterThan(0);
    expect(asked.every(({ outcome }) => outcome === "asked")).toBe(true);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.map(({ reasons }) => reasons?.[0]?.code)).toEqual(
      failed.map(() => "WriteNotCarriedOut"),
    );
    expect(world.unansweredWrites()).toEqual([]);
    expect(world.writeWrongs).toEqual([]);
  });

  it("is told beside a repair, with what the rule said in between", async () => {
    const before = await count();
    world.network.edit(nsgs.card, (rules) =>
      rules.map((rule) =>
        rule.name.startsWith("JitAccess-") ? { ...rule, destinationPorts: ["23"] } : rule,
      ),
    );
    await world.gates.touch(nsgs.card);
    await world.clock.run(sweep(world.start()));

    const [asked] = await told("asked", before);
    const repairs = (await world.facts()).filter(({ operation }) => operation === "gate.repair");

    expect(JSON.parse(asked?.changes?.[0]?.before ?? "")).toMatchObject({
      destinationPorts: ["23"],
    });
    expect(JSON.parse(asked?.changes?.[0]?.after ?? "").destinationPorts).not.toEqual(["23"]);
    expect(repairs.map(({ outcome }) => outcome).toSorted()).toEqual(["asked", "done"]);
  });

  it("proves with the opening and the closing of a window when each gate was read, and which rules were there", async () => {
    await world.clock.run(open());
    const allow = world.ours(nsgs.card).find(({ access }) => access === "Allow");
    await world.clock.advance(60_000);
    await world.clock.run(close());

    const ofWindow = async (operation: string) =>
      (await world.facts())
        .find((fact) => fact.operation === operation && fact.outcome === "done")
        ?.gates?.find(({ id }) => id === nsgs.card);
    const [opened, closed] = [await ofWindow("access.open"), await ofWindow("access.close")];

    expect([opened?.rules, closed?.rules]).toEqual([[allow?.name], [allow?.name]]);
    expect(Date.parse(closed?.readAt ?? "") - Date.parse(opened?.readAt ?? "")).toBeGreaterThan(
      59_000,
    );
    expect(closed?.etag).not.toBe(opened?.etag);
  });

  it("tells each write of a writer that lost the gate in between and got it back", async () => {
    const before = await count();
    const withoutDeny = () =>
      world.network.edit(nsgs.card, (rules) => rules.filter(({ access }) => access !== "Deny"));
    const process = world.start();
    let isTaken = false;
    const write: typeof process.network.write = async (...given) => {
      const outcome = await process.network.write(...given);
      if (!isTaken) {
        isTaken = true;
        const { lease, desiredRevision: revision } = await world.record(nsgs.card);
        await world.gates.takeLease(nsgs.card, "other", lease);
        // What the other one has proven is taken away once more.
        const proof = { readAt: world.clock.now().toISOString() };
        const proven = { revision, proof, results: {}, findings: [], expired: [], proven: [] };
        await world.gates.complete(nsgs.card, "other", proven);
        withoutDeny();
      }
      return outcome;
    };
    withoutDeny();
    await world.clock.run(
      createSettle({ ...process, network: { ...process.network, write } })(nsgs.card, anew),
    );

    const [asked, done] = [await told("asked", before), await told("done", before)];
    expect(isTaken).toBe(true);
    expect(world.ours(nsgs.card)).toHaveLength(1);
    expect(new Set(asked.map(({ id }) => id)).size).toBe(2);
    expect(done).toHaveLength(1);
  });

  it("tells no write as done that nobody told as asked: one with nothing to change, of a process that died before it told", async () => {
    const writing = { id: "dead-1", vms: [{ vmId: vmId(), rules: [{ name: "gone-long-ago" }] }] };
    await world.gates.takeLease(nsgs.card, "dead", undefined);
    await world.gates.beat(nsgs.card, "dead", writing);
    await world.gates.release(nsgs.card, "dead");

    await world.clock.run(createSettle(world.start())(nsgs.card, anew));

    const facts = await world.factsOf("gate.write");
    const ofDead = facts.filter(({ id }) => id.startsWith("gate.write.dead-1"));
    expect(ofDead.map(({ outcome }) => outcome).toSorted()).toEqual(["asked", "done"]);
  });
});
