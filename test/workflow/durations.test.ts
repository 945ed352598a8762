import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Window } from "../../src/access/request.ts";
import { toldEnd } from "../../src/rules/intent.ts";
import { closeWindows } from "../../src/workflow/close-windows.ts";
import { lookAfterWindows } from "../../src/workflow/look-after.ts";
import { followMachine, standingWindows } from "../../src/workflow/moved-windows.ts";
import { openWindows } from "../../src/workflow/open-windows.ts";
import {
  afterNoon,
  anAccessRequest,
  aPort,
  aVirtualMachine,
  aWindow,
  requestId,
  vmId,
} from "../support/builders.ts";
import { createFaults, type FaultKind, faultKinds } from "../support/faults.ts";
import { createWorld, nsgs, type World } from "../support/world.ts";

const vm = { requestId, vmIndex: 0 };
/** An hour from when it is proven open; and an end that was named, beside it. */
const anHour = aWindow({ durationSeconds: 3_600 });
const untilTwo = aWindow({ port: 3389, closesAt: afterNoon(7_200) });
const lengthOf = ({ openedAt = "", closesAt }: Pick<Window, "openedAt" | "closesAt">): number =>
  (Date.parse(closesAt) - Date.parse(openedAt)) / 1_000;

async function aWorld(options: { readonly writeMs?: number } = {}): Promise<World> {
  const world = createWorld(options);
  await world.protect({
    virtualMachines: [aVirtualMachine({ ports: [aPort(), aPort({ number: 3389 })] })],
  });
  // A moment that is no round one.
  await world.clock.advance(1_234);
  return world;
}

const allows = (world: World) =>
  [nsgs.subnet, nsgs.card].flatMap((gateId) =>
    world.ours(gateId).filter((rule) => rule.access === "Allow"),
  );
const factsOf = async (world: World, operation: string, outcome: string) =>
  (await world.facts()).filter(
    (fact) => fact.operation === operation && fact.outcome === outcome && fact.port === 22,
  );

/** What is wrong with a window that was opened for an hour, in words. */
async function faultsOf(world: World): Promise<readonly string[]> {
  const [window] = await world.windows(requestId);
  const { state, closesAt, latestEnd = "" } = window ?? anHour;
  const records = await Promise.all([world.record(nsgs.subnet), world.record(nsgs.card)]);
  const rows = records.flatMap(({ intent }) =>
    intent.windows.filter(({ windowId }) => windowId === anHour.id),
  );
  const told = await factsOf(world, "access.open", "done");
  const failed = await factsOf(world, "access.open", "failed");
  const claims: Readonly<Record<string, boolean>> = {
    "it is not open": state === "open",
    "it is not open for an hour": lengthOf(window ?? anHour) === 3_600,
    "it ends after what its rules tell": closesAt <= latestEnd,
    "its gates do not know when it ends":
      rows.length === 2 && rows.every((row) => row.closesAt === closesAt),
    "its rules tell another end": allows(world)
      .filter((rule) => rule.destinationPorts.includes("22"))
      .every(({ description }) => description.includes(latestEnd)),
    "it was told not once": told.length === 1 && failed.length === 0,
    "another end was told": told.every((fact) => fact.closesAt === closesAt),
    "its gates lag behind": records.every(
      ({ appliedRevision, desiredRevision }) => appliedRevision === desiredRevision,
    ),
  };
  return Object.keys(claims).filter((fault) => claims[fault] === false);
}

describe("a window that was asked for by its length", () => {
  let world: World;

  beforeEach(async () => {
    world = await aWorld({ writeMs: 20_000 });
    await world.request(anAccessRequest({ windows: [anHour, untilTwo] }));
  });

  const open = () => world.clock.run(openWindows(world.start(), vm));
  const look = () => world.clock.run(lookAfterWindows(world.start(), { ...vm, attempt: 1 }));

  it("lasts as long from when it is proven open, however slow Azure is", async () => {
    const asked = world.clock.now().getTime();
    await open();

    expect(await faultsOf(world)).toEqual([]);
    const [hour, other] = await world.windows(requestId);
    expect(Date.parse(hour?.openedAt ?? "") - asked).toBeGreaterThanOrEqual(20_000);
    expect(other?.closesAt).toBe(untilTwo.closesAt);
  });

  it("is not written a second time when its end is known", async () => {
    await open();
    const { length } = world.network.writes;

    await look();

    expect(world.network.writes).toHaveLength(length);
    expect(length).toBe(4);
  });

  it("tells while it is being opened when it would end at the earliest, and rules that last longer", async () => {
    const asked = world.clock.now().getTime();
    const opening = openWindows(world.start(), vm);
    await world.clock.advance(15_000);
    const [meanwhile] = await world.windows(requestId);
    await world.clock.run(opening);

    expect(meanwhile).toMatchObject({
      state: "opening",
      closesAt: new Date(asked + 3_600_000).toISOString(),
      latestEnd: new Date(asked + 3_660_000).toISOString(),
    });
    expect(meanwhile?.openedAt).toBeUndefined();
  });

  it("is closed at its own end, not at the one its rules tell", async () => {
    await open();
    const [window] = await world.windows(requestId);
    const { next } = await look();
    await world.clock.advance(Date.parse(next ?? "") - world.clock.now().getTime() - 1);
    await look();
    const before = allows(world).length;

    await world.clock.advance(1);
    await look();

    expect(next).toBe(window?.closesAt);
    expect(before).toBe(4);
    expect(allows(world)).toHaveLength(2);
    expect((await world.windows(requestId)).map(({ state }) => state)).toEqual(["closed", "open"]);
  });

  it("is taken away at its own end by any settle of the gate, whoever is dead", async () => {
    await open();
    const [window] = await world.windows(requestId);
    await world.clock.advance(Date.parse(window?.closesAt ?? "") - world.clock.now().getTime());
    const unsettled = await world.gates.unsettled(world.clock.now());

    await Promise.all(
      unsettled.map((gateId) =>
        world.clock.run(world.start().settle(gateId, Number.POSITIVE_INFINITY)),
      ),
    );

    expect(unsettled.toSorted()).toEqual([nsgs.card, nsgs.subnet].toSorted());
    expect(allows(world).flatMap((rule) => rule.destinationPorts)).toEqual(["3389", "3389"]);
  });

  it("never lasts longer than its rules tell, when proving it takes longer than they allow for", async () => {
    const { settle, ...process } = world.start();
    const slow: typeof settle = async (...asked) => {
      const settled = await settle(...asked);
      await world.clock.pause(400_000);
      return settled;
    };

    await world.clock.run(openWindows({ ...process, settle: slow }, vm));

    const [window] = await world.windows(requestId);
    expect(window?.state).toBe("open");
    expect(window?.closesAt).toBe(window?.latestEnd);
    expect(lengthOf(window ?? anHour)).toBeLessThan(3_600);
  });

  it("keeps the end that was noted when whoever noted it died, and another opens it again much later", async () => {
    const { one, before } = await noted();
    await one.clock.advance(1_800_000);

    await one.clock.run(openWindows(one.start(), vm));

    expect((await one.windows(requestId))[0]).toMatchObject({ ...before, state: "open" });
    expect(await faultsOf(one)).toEqual([]);
  });

  it("keeps its end when it follows its VM at the very moment at which that is told", async () => {
    await open();
    const [window] = await world.windows(requestId);
    const records = await Promise.all([world.record(nsgs.subnet), world.record(nsgs.card)]);
    const [standing] = standingWindows(records, world.clock.now());
    const before = standing?.windows.map((one) => ({ ...one, closesAt: toldEnd(one) })) ?? [];
    const machine = await world.network.findMachine(vmId());
    const addresses = machine?.addresses.map((one) => ({ ...one, address: "10.0.0.9" })) ?? [];

    await world.clock.run(
      followMachine(
        world.start(),
        { requestId, vmId: vmId(), places: new Map(), ...standing, windows: before },
        machine && { ...machine, addresses },
      ),
    );

    const { intent } = await world.record(nsgs.card);
    expect(intent.windows.find(({ windowId }) => windowId === anHour.id)).toMatchObject({
      addresses: ["10.0.0.9"],
      closesAt: window?.closesAt,
    });
  });

  it("that was proven open and is over by the time somebody goes on is told as what it was: opened, and closed", async () => {
    const { one } = await noted();
    await one.clock.advance(4_000_000);

    await one.clock.run(openWindows(one.start(), vm));
    await one.clock.run(lookAfterWindows(one.start(), { ...vm, attempt: 1 }));

    expect((await one.windows(requestId))[0]).toMatchObject({ state: "closed" });
    expect(await factsOf(one, "access.open", "failed")).toEqual([]);
    expect(await factsOf(one, "access.open", "done")).toHaveLength(1);
    expect(allows(one)).toEqual([]);
  });
});

/** A world in which a process has died right after it noted when the window was proven open; and the window then. */
async function noted(): Promise<{ readonly one: World; readonly before: Window }> {
  for (let at = 1; ; at += 1) {
    const one = await aWorld();
    await one.request(anAccessRequest({ windows: [anHour] }));
    const faults = createFaults({ at, kind: "dies after" });
    void openWindows(one.start(faults), vm);
    await one.clock.runUntil(() => faults.hasStruck);
    const [before] = await one.windows(requestId);
    if (before?.openedAt !== undefined) {
      return { one, before };
    }
  }
}

describe("opening a window for an hour", () => {
  async function toldWith(kind: FaultKind, at: number, pauseMs: number) {
    const world = await aWorld();
    await world.request(anAccessRequest({ windows: [anHour, untilTwo] }));
    const faults = createFaults({ at, kind });
    const process = world.start(faults);
    const first = openWindows(process, vm).catch(() => undefined);
    await (kind.startsWith("dies")
      ? world.clock.runUntil(() => faults.hasStruck)
      : world.clock.run(first));
    await world.clock.advance(pauseMs);
    const isGone = kind !== "fails" && kind !== "loses its answer";
    await world.clock.run(openWindows(isGone ? world.start() : process, vm));
    return world;
  }

  it.each(
    faultKinds.flatMap((kind) => [2_000, 420_000].map((pauseMs) => [kind, pauseMs] as const)),
  )(
    "counts from when it is proven open when any one of its calls %s, and it is tried again after %i ms",
    async (kind, pauseMs) => {
      const watched = createFaults();
      const healthy = await aWorld();
      await healthy.request(anAccessRequest({ windows: [anHour, untilTwo] }));
      await healthy.clock.run(openWindows(healthy.start(watched), vm));

      const found: string[] = [];
      for (let at = 1; at <= watched.calls.length; at += 1) {
        const world = await toldWith(kind, at, pauseMs);
        const faults = await faultsOf(world);
        await world.clock.run(
          closeWindows(world.start(), { ...vm, endReason: "Expired", attempt: 1 }),
        );
        if (allows(world).length > 0) {
          found.push(`${at} ${watched.calls[at - 1]}: rules are left`);
        }
        found.push(...faults.map((fault) => `${at} ${watched.calls[at - 1]}: ${fault}`));
      }

      expect(await faultsOf(healthy)).toEqual([]);
      expect(watched.calls.length).toBeGreaterThan(20);
      expect(found).toEqual([]);
    },
  );
});
