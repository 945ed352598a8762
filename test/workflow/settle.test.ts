import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Network, WriteOutcome } from "../../src/ports.ts";
import { createSettle } from "../../src/workflow/settle.ts";
import { settleTimes } from "../../src/workflow/turn.ts";
import { aDesiredDeny, aDesiredWindow, afterNoon } from "../support/builders.ts";
import { createFaults } from "../support/faults.ts";
import { createWorld, nsgs, type World } from "../support/world.ts";

const gateId = nsgs.subnet;
const denies = { policyId: aDesiredDeny().policyId, rows: [aDesiredDeny()] };
const busy = (detail: string, retryAfterMs: number): WriteOutcome => ({
  outcome: "changed",
  detail,
  retryAfterMs,
});

const wishId = (index: number) => `5c1e2d3f-77bb-4a0c-9d21-${String(index).padStart(12, "0")}`;

describe("settling a gate", () => {
  let world: World;

  beforeEach(() => {
    world = createWorld();
  });

  const wish = (index = 0) =>
    world.gates.change(gateId, {
      addWindows: [
        aDesiredWindow({
          windowId: `${wishId(index)}-0-22`,
          requestId: wishId(index),
          sources: [`203.0.113.${index + 1}`],
        }),
      ],
    });
  const settle = (revision: number) => world.clock.run(world.start().settle(gateId, revision));

  it("reads, plans, writes, and believes only what it reads back", async () => {
    const customers = world.customers();
    const revision = await world.gates.change(gateId, { denies, addWindows: [aDesiredWindow()] });

    const settled = await settle(revision);

    expect(world.network.writes).toHaveLength(1);
    expect(world.network.reads).toHaveLength(2);
    expect(
      world
        .ours(gateId)
        .map((rule) => rule.access)
        .toSorted(),
    ).toEqual(["Allow", "Deny"]);
    expect(settled).toMatchObject({ outcome: "settled", record: { appliedRevision: revision } });
    expect(await world.record(gateId)).toMatchObject({
      appliedRevision: revision,
      desiredRevision: revision,
    });
    expect((await world.record(gateId)).lease).toBeUndefined();
    expect(world.customers()).toBe(customers);
  });

  it("takes a deny rule away that it wrote and that nobody wants any more before it was proven", async () => {
    world = createWorld({ writeMs: 2_000 });
    const revision = await world.gates.change(gateId, {
      denies,
      // Over by the time it is written: the next plan has something to do as well.
      addWindows: [aDesiredWindow({ closesAt: afterNoon(1) })],
    });
    const settled = world.start().settle(gateId, revision);
    await world.clock.advance(1_000);

    const next = await world.gates.change(gateId, { denies: { ...denies, rows: [] } });
    await world.clock.run(settled);
    await settle(next);

    expect(world.ours(gateId)).toEqual([]);
  });

  it("makes no call to Azure for what another has settled already", async () => {
    const revision = await wish();
    await settle(revision);
    const reads = world.network.reads.length;

    const settled = await settle(revision);

    expect(settled.outcome).toBe("settled");
    expect(world.network.reads).toHaveLength(reads);
  });

  it("writes once more when somebody undid its write before it was read back", async () => {
    const revision = await wish();
    const meddled: Network = {
      ...world.network,
      async write(reading, changes) {
        const outcome = await world.network.write(reading, changes);
        if (world.network.writes.length === 1) {
          world.network.edit(gateId, (rules) =>
            rules.filter((rule) => !rule.name.startsWith("JitAccess-")),
          );
        }
        return outcome;
      },
    };

    await world.clock.run(createSettle({ ...world.start(), network: meddled })(gateId, revision));

    expect(world.network.writes).toHaveLength(2);
    expect(world.ours(gateId)).toHaveLength(1);
  });

  it.each([
    { case: "412, the NSG changed meanwhile", outcome: busy("PreconditionFailed", 0) },
    { case: "429 with a Retry-After of 7 s", outcome: busy("TooManyRequests", 7_000) },
    { case: "409, another operation runs", outcome: busy("AnotherOperationInProgress", 1_000) },
    { case: "superseded by a later write", outcome: busy("CanceledAndSuperseded", 1_000) },
  ])("reads and plans again, not before it may: $case", async ({ outcome }) => {
    const revision = await wish();
    world.network.failWrites({ result: outcome });
    const startedAt = world.clock.now().getTime();

    await settle(revision);

    const pausedMs = outcome.outcome === "changed" ? outcome.retryAfterMs : 0;
    expect(world.clock.now().getTime() - startedAt).toBe(pausedMs);
    expect(world.network.reads).toHaveLength(3);
    expect(world.ours(gateId)).toHaveLength(1);
    expect(world.logged.map((line) => line.event)).toContain("gate.busy");
  });

  it("tells the reason and gives the lease back when Azure refuses for good", async () => {
    const reason = { code: "GateNotWritable", message: "A lock.", target: gateId } as const;
    const revision = await wish();
    world.network.failWrites({ result: { outcome: "refused", reason } });

    const settled = await settle(revision);

    expect(settled).toEqual({ outcome: "refused", reasons: [reason] });
    expect((await world.record(gateId)).lease).toBeUndefined();
    expect((await world.record(gateId)).appliedRevision).toBe(0);
    expect((await settle(revision)).outcome).toBe("settled");
  });

  it("lets a gate go that does not exist any more: nothing is open there", async () => {
    const revision = await wish();
    world.network.removeGate(gateId);

    const settled = await settle(revision);

    expect(settled).toMatchObject({
      outcome: "settled",
      record: {
        results: {
          [`${wishId(0)}-0-22`]: { state: "failed", reasons: [{ code: "GateNotFound" }] },
        },
      },
    });
    expect(await world.gates.unsettled(world.clock.now())).toEqual([]);
  });

  it("gives up for now on a gate that is busy without end, and leaves it free", async () => {
    const revision = await wish();
    world.network.failWrites(
      ...Array.from({ length: 1_000 }, () => ({ result: busy("AnotherOperation", 2_000) })),
    );
    const startedAt = world.clock.now().getTime();

    const settled = await settle(revision);

    expect(settled).toMatchObject({ outcome: "refused", reasons: [{ code: "NotSettledInTime" }] });
    const tookMs = world.clock.now().getTime() - startedAt;
    expect(tookMs).toBeGreaterThanOrEqual(settleTimes.giveUpAfter);
    expect(tookMs).toBeLessThan(settleTimes.giveUpAfter + 10_000);
    expect((await world.record(gateId)).lease).toBeUndefined();
  });

  it("leaves the gate free for others when a call throws", async () => {
    const revision = await wish();
    world.network.failReads(new Error("connection reset"));

    await expect(settle(revision)).rejects.toThrow("connection reset");

    expect((await world.record(gateId)).lease).toBeUndefined();
    expect((await settle(revision)).outcome).toBe("settled");
  });

  it.each([
    { processes: 1, mostWrites: 2 },
    { processes: 5, mostWrites: 5 },
  ])(
    "opens 20 windows wanted at once with a few writes, one at a time, from $processes process(es)",
    async ({ processes, mostWrites }) => {
      world = createWorld({ writeMs: 2_000 });
      const running = Array.from({ length: processes }, () => world.start());
      const asked = Array.from({ length: 20 }, async (_, index) => {
        const revision = await wish(index);
        return running[index % processes]?.settle(gateId, revision);
      });

      const settled = await world.clock.run(Promise.all(asked));

      settled.forEach((one, index) => {
        expect(one).toMatchObject({
          outcome: "settled",
          record: { results: { [`${wishId(index)}-0-22`]: { state: "open" } } },
        });
      });
      expect(world.ours(gateId)).toHaveLength(20);
      expect(world.network.writes.length).toBeLessThanOrEqual(mostWrites);
      expect(world.mostWritesAtOnce()).toBe(1);
      expect(world.network.writes.map((write) => write.outcome?.outcome)).not.toContain("changed");
    },
  );

  it("takes along whoever asks while it reads, in one write, and waits for nobody when it is asked alone", async () => {
    world = createWorld({ writeMs: 4_000 });
    const ports = world.start();
    const readMs = 50;
    const network = {
      ...ports.network,
      async readGate(id: string) {
        await world.clock.pause(readMs);
        return world.network.readGate(id);
      },
      write: ports.network.write,
    };
    const settleOne = createSettle({ ...ports, network });
    const startedAt = world.clock.now().getTime();
    const asked = Array.from({ length: 50 }, async (_, index) => {
      await world.clock.pause(index * 15);
      return settleOne(gateId, await wish(index));
    });

    await world.clock.run(Promise.all(asked));
    const stormMs = world.clock.now().getTime() - startedAt;
    const writes = world.network.writes.length;
    const aloneAt = world.clock.now().getTime();
    await world.clock.run(settleOne(gateId, await wish(60)));

    expect(writes).toBe(1);
    expect(stormMs).toBeLessThan(5_500);
    expect(world.clock.now().getTime() - aloneAt).toBe(4_000 + 2 * readMs);
  });

  describe("by the one who has the lease", () => {
    it("takes over at once when the storage tells that the writer has given no sign for long enough", async () => {
      const revision = await wish();
      await world.gates.takeLease(gateId, "dead", undefined);
      const ports = world.start();
      const quiet = (quietForMs: number) => ({
        ...ports.gates,
        async read(id: string) {
          const { lease, ...record } = await world.gates.read(id);
          return { ...record, lease: lease && { ...lease, quietForMs } };
        },
        takeLease: ports.gates.takeLease,
        beat: ports.gates.beat,
        complete: ports.gates.complete,
      });
      const startedAt = world.clock.now().getTime();

      const settleNow = createSettle({ ...ports, gates: quiet(settleTimes.stalledAfter) });
      const settled = await world.clock.run(settleNow(gateId, revision));

      expect(settled.outcome).toBe("settled");
      expect(world.clock.now().getTime()).toBe(startedAt);
      expect(world.logged.map(({ event }) => event)).toContain("gate.lease.takenOver");
    });

    it("takes over from a dead writer when its lease has stood still for long enough, and not before", async () => {
      const revision = await wish();
      await world.gates.takeLease(gateId, "dead", undefined);
      const settled = world.start().settle(gateId, revision);

      await world.clock.advance(settleTimes.stalledAfter - 1);
      expect(world.network.writes).toHaveLength(0);
      expect((await world.record(gateId)).lease?.holder).toBe("dead");

      await world.clock.advance(settleTimes.pollLongest + 1);
      expect(await settled).toMatchObject({ outcome: "settled" });
      expect(world.logged).toContainEqual(
        expect.objectContaining({ event: "gate.lease.takenOver", from: "dead" }),
      );
    });

    it("never takes over from a writer that gives signs of life, however slow it is", async () => {
      const revision = await wish();
      await world.gates.takeLease(gateId, "slow", undefined);
      const settled = world.start().settle(gateId, revision);

      for (let beats = 0; beats < 15; beats += 1) {
        await world.clock.advance(settleTimes.beat);
        await world.gates.beat(gateId, "slow");
      }

      expect((await world.record(gateId)).lease?.holder).toBe("slow");
      expect(world.network.writes).toHaveLength(0);
      await world.gates.release(gateId, "slow");
      expect(await world.clock.run(settled)).toMatchObject({ outcome: "settled" });
    });

    it("is not disturbed during a write of two minutes, because the writer beats", async () => {
      world = createWorld({ writeMs: 120_000 });
      const revision = await wish();

      await world.clock.run(
        Promise.all([
          world.start().settle(gateId, revision),
          world.start().settle(gateId, revision),
        ]),
      );

      expect(world.network.writes).toHaveLength(1);
      expect(world.logged.map((line) => line.event)).not.toContain("gate.lease.takenOver");
    });

    it("goes on when one sign of life cannot be stored", async () => {
      world = createWorld({ writeMs: 2.5 * settleTimes.beat });
      const revision = await wish();
      const { gates, ...ports } = world.start();
      let beats = 0;
      const failing = {
        ...gates,
        beat: async (id: string, holder: string) => {
          beats += 1;
          // The first is asked for right before the write, the second comes during it.
          if (beats === 2) {
            throw new Error("storage is busy");
          }
          return gates.beat(id, holder);
        },
      };

      const settled = await world.clock.run(
        createSettle({ ...ports, gates: failing })(gateId, revision),
      );

      expect(settled.outcome).toBe("settled");
      expect(beats).toBe(3);
      expect(world.network.writes).toHaveLength(1);
    });

    it("writes no more once it knows that it lost the lease, whatever is left to write", async () => {
      const writeMs = 2.5 * settleTimes.beat;
      world = createWorld({ writeMs });
      const revision = await wish();
      world.network.failWrites({ result: busy("AnotherOperationInProgress", 0) });
      const slow = world.start().settle(gateId, revision);
      await world.clock.advance(500);
      await world.gates.takeLease(gateId, "other", (await world.record(gateId)).lease);

      await world.clock.advance(2.2 * writeMs);

      expect(world.network.writes).toHaveLength(1);
      await world.gates.release(gateId, "other");
      expect(await world.clock.run(slow)).toMatchObject({ outcome: "settled" });
    });

    it("takes back what it wrote after it had lost the lease without knowing", async () => {
      const revision = await world.gates.change(gateId, {
        addWindows: [aDesiredWindow({ closesAt: afterNoon(60) })],
      });
      const { network, gates, ...ports } = world.start();
      let thaw: () => void = () => undefined;
      const frozen = new Promise<void>((resolve) => {
        thaw = resolve;
      });
      const freezing = {
        ...network,
        write: async (...given: Parameters<typeof network.write>) => {
          await frozen;
          return network.write(...given);
        },
      };
      const quiet = {
        ...gates,
        // As of a process that stands still after its last sign of life.
        beat: async (...given: Parameters<typeof gates.beat>) => {
          if (world.clock.now().getTime() > Date.parse("2030-01-31T12:00:00Z")) {
            await frozen;
          }
          return gates.beat(...given);
        },
      };
      const late = createSettle({ ...ports, network: freezing, gates: quiet })(gateId, revision);
      await world.clock.advance(61_000);
      const closing = await world.gates.change(gateId, {
        removeWindows: [aDesiredWindow().windowId],
      });
      await world.clock.run(world.start().settle(gateId, closing));
      const whenProven = world.ours(gateId);

      thaw();
      await world.clock.run(late);

      expect(whenProven).toEqual([]);
      expect(world.network.writes.length).toBeGreaterThan(1);
      expect(world.ours(gateId)).toEqual([]);
    });

    it.each([
      { case: "and notices it at its next sign of life", writeMs: 2.5 * settleTimes.beat },
      { case: "just before it records", writeMs: 1_000 },
    ])("stops and records nothing when it lost the lease: $case", async ({ writeMs }) => {
      world = createWorld({ writeMs });
      const revision = await wish();
      const faults = createFaults();
      const slow = world.start(faults).settle(gateId, revision);
      await world.clock.advance(500);
      const { lease } = await world.record(gateId);
      await world.gates.takeLease(gateId, "other", lease);

      await world.clock.advance(writeMs);

      expect(world.network.writes).toHaveLength(1);
      expect(await world.record(gateId)).toMatchObject({
        appliedRevision: 0,
        lease: { holder: "other" },
      });
      // The other one dies too; the first one waits for its turn like everybody else.
      expect(await world.clock.run(slow)).toMatchObject({ outcome: "settled" });
      expect(world.clock.now().getTime()).toBeGreaterThanOrEqual(
        Date.parse("2030-01-31T12:00:00Z") + settleTimes.stalledAfter,
      );
    });
  });
});
