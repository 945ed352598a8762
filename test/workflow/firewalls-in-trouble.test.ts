import { beforeEach, describe, expect, it } from "@jest/globals";
import { closeWindows } from "../../src/workflow/close-windows.ts";
import { createForesee } from "../../src/workflow/foresee.ts";
import { foreseeRequest } from "../../src/workflow/foresee-request.ts";
import { healEveryGate } from "../../src/workflow/heal.ts";
import { openWindows } from "../../src/workflow/open-windows.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import {
  anAccessRequest,
  aPort,
  aVirtualMachine,
  aWindow,
  requestId,
  vmId,
} from "../support/builders.ts";
import {
  createFirewallWorld,
  edge,
  edgeNsg,
  type FirewallWorld,
  firewalls,
  spoke,
  updateMs,
} from "../support/firewall-world.ts";
import { nsgs } from "../support/world.ts";

const other = "5c1e2d3f-77bb-4a0c-9d21-1f2e3d4c5b6a";
const hour = 3_600_000;

describe("a firewall in trouble", () => {
  let world: FirewallWorld;
  beforeEach(async () => {
    world = await createFirewallWorld();
  });

  const now = () => world.clock.now().getTime();
  const inMinutes = (minutes: number) => new Date(now() + minutes * 60_000).toISOString();
  const anEdgeWindow = (values: Parameters<typeof aWindow>[0] = {}) =>
    aWindow({ vmId: edge, closesAt: inMinutes(60), ...values });
  const updatesOf = (gateId: string) => world.network.updates.filter((id) => id === gateId).length;
  const stateOf = async (id = requestId) => (await world.windows(id))[0]?.state;

  it("does not take the time of an outage for that of an update", async () => {
    await world.ask([anEdgeWindow({ closesAt: inMinutes(600) })]);
    await world.live(requestId, { until: now() + 60_000 });
    await world.clock.advance(6 * hour);
    await world.live(requestId, { until: now() + 60_000 });
    expect(await stateOf()).toBe("open");

    await world.ask(
      [anEdgeWindow({ id: `${other}-0-22`, sources: ["203.0.113.8"], closesAt: inMinutes(60) })],
      other,
    );
    await world.live(other, { until: now() + 2 * updateMs });

    expect(await stateOf(other)).toBe("open");
    expect(world.inEffect(firewalls.classic, "dnat")).toHaveLength(2);
  });

  it("that is failed for a reason of its own is not updated again and again", async () => {
    const { readGate } = world.network;
    world.network.readGate = async (gateId) => {
      const reading = await readGate(gateId);
      return reading && gateId === firewalls.policy ? { ...reading, isFailed: true } : reading;
    };
    const before = updatesOf(firewalls.policy);
    await world.ask([aWindow({ vmId: spoke, closesAt: inMinutes(120) })]);

    await world.live(requestId, { until: now() + 5 * updateMs });

    expect(await stateOf()).toBe("open");
    expect(updatesOf(firewalls.policy) - before).toBe(1);
  });

  it("is shut in time by the sweep where nobody looks after a window", async () => {
    const end = now() + 40 * 60_000;
    await world.ask([anEdgeWindow({ closesAt: new Date(end).toISOString() })]);
    await world.live(requestId, { until: now() + 2 * updateMs });
    expect(await stateOf()).toBe("open");

    const one = world.start();
    while (now() < end + 2_000) {
      await world.clock.run(sweep(one));
      await world.clock.advance(Math.max(1, Math.min(60_000, end + 2_000 - now())));
    }

    expect(world.inEffect(firewalls.classic)).toEqual([]);
  });

  it("is not let through by the NSG for a window that nobody uses by IPv4", async () => {
    const machine = await world.network.findMachine(edge);
    const [first] = machine?.addresses ?? [];
    world.network.addMachine({
      ...(machine as NonNullable<typeof machine>),
      addresses: [
        first as NonNullable<typeof first>,
        { address: "fd00::4", family: 6, networkInterfaceId: `${edge}-nic`, gates: [edgeNsg] },
      ],
    });
    const everybody = aPort({ allowedSourceAddressPrefix: "*", maxRequestAccessDuration: "PT12H" });
    await world.protectAgain({
      virtualMachines: [edge, spoke].map((id) => aVirtualMachine({ id, ports: [everybody] })),
    });
    await world.untilSettled(Object.values(firewalls));
    await world.ask([anEdgeWindow({ sources: ["2001:db8::7"] })]);

    await world.live(requestId, { until: now() + 3 * updateMs });

    const sources = world
      .ours(edgeNsg)
      .filter(({ access }) => access === "Allow")
      .flatMap((rule) => rule.sources);
    expect((await world.windows(requestId))[0]?.reasons).toBeUndefined();
    expect(sources).toEqual(["2001:db8::7"]);
    expect(await stateOf()).toBe("open");
  });

  it("closes a window whose place another took in minutes, not when that would have ended", async () => {
    const [a, b] = [inMinutes(300), inMinutes(360)];
    await world.ask([anEdgeWindow({ closesAt: a })]);
    await world.live(requestId, { until: now() + 2 * updateMs });
    await world.ask(
      [anEdgeWindow({ id: `${other}-0-22`, sources: ["203.0.113.8"], closesAt: b })],
      other,
    );
    await world.requests.change(other, (request) => ({
      ...request,
      createdAt: inMinutes(0),
      follows: { requestId, as: "rebind" },
    }));
    await world.live(other, { until: now() + 2 * updateMs });

    const one = world.start();
    for (let minute = 0; minute < 15; minute += 1) {
      await world.clock.run(sweep(one));
      await world.clock.advance(60_000);
    }

    expect((await world.windows(requestId))[0]).toMatchObject({
      state: "closed",
      endReason: "NewerRequestInitiated",
    });
    expect(await stateOf(other)).toBe("open");
  });

  it("keeps no window of a VM that has none in front of it from following that VM", async () => {
    await world.protectAgain({
      virtualMachines: [edge, spoke, vmId("web-2")].map((id) =>
        aVirtualMachine({ id, ports: [aPort({ maxRequestAccessDuration: "PT12H" })] }),
      ),
    });
    await world.ask([aWindow({ vmId: vmId("web-2"), closesAt: inMinutes(12) })]);
    await world.live(requestId, { until: now() + 60_000 });
    expect(world.ours(nsgs.subnet).filter(({ access }) => access === "Allow")).toHaveLength(1);

    world.network.removeMachine(vmId("web-2"));
    await world.clock.run(healEveryGate(world.start()));

    expect(world.ours(nsgs.subnet).filter(({ access }) => access === "Allow")).toEqual([]);
  });

  it("tells nobody's hand where our own update had not been proven yet", async () => {
    const withPorts = (...numbers: readonly number[]) => ({
      virtualMachines: [edge, spoke].map((id) =>
        aVirtualMachine({
          id,
          ports: numbers.map((number) => aPort({ number, maxRequestAccessDuration: "PT12H" })),
        }),
      ),
    });
    await world.protectAgain(withPorts(22, 3389, 5985));
    await world.clock.advance(30_000);
    await world.protectAgain(withPorts(22, 3389, 5986));
    await world.untilSettled(Object.values(firewalls));

    const repairs = (await world.facts()).filter(({ operation }) => operation === "gate.repair");
    expect(repairs).toEqual([]);
  });

  it("is not written anew where Azure is done with a write at once", async () => {
    await world.ask([anEdgeWindow()]);
    await world.live(requestId, { until: now() + 2 * updateMs });
    const write = world.network.write;
    let writes = 0;
    world.network.write = async (reading, changes) => {
      writes += 1;
      const outcome = await write(reading, changes);
      world.network.finishUpdates();
      return outcome.outcome === "started" ? { outcome: "written" } : outcome;
    };

    await world.clock.run(
      closeWindows(world.start(), {
        requestId,
        vmIndex: 0,
        endReason: "Expired",
        attempt: 1,
      }),
    );

    expect(writes).toBe(2);
  });

  it("is asked again only now and then while somebody unseen is at work on it", async () => {
    let writes = 0;
    const write = world.network.write;
    const until = now() + 300_000;
    world.network.write = async (reading, changes) => {
      if (reading.gate.id !== firewalls.classic || now() > until) {
        return await write(reading, changes);
      }
      writes += 1;
      return { outcome: "changed", detail: "AnotherOperationInProgress", retryAfterMs: 1_000 };
    };
    await world.ask([anEdgeWindow()]);

    await world.live(requestId, { until });

    expect(writes).toBeLessThan(80);
  });

  it("does not wait for a day because Azure said so", async () => {
    const { progress } = world.network;
    world.network.progress = async (gateId, operation) => {
      const told = await progress(gateId, operation);
      return told.outcome === "running" ? { ...told, retryAfterMs: 86_400_000 } : told;
    };
    await world.ask([anEdgeWindow()]);

    await world.live(requestId, { until: now() + 2 * updateMs });

    expect(await stateOf()).toBe("open");
  });

  it("opens windows as before where the way to ask about its updates is lost each time", async () => {
    const { progress } = world.network;
    world.network.progress = async (gateId, operation) => {
      const told = await progress(gateId, operation);
      return told.outcome === "running"
        ? told
        : { outcome: "changed", detail: "status 404", retryAfterMs: 1_000 };
    };
    for (let round = 0; round < 5; round += 1) {
      const id = `${other.slice(0, -2)}${20 + round}`;
      await world.ask(
        [anEdgeWindow({ id: `${id}-0-22`, sources: [`203.0.113.${round + 1}`] })],
        id,
      );
      await world.live(id, { until: now() + 2 * updateMs });
      expect([round, await stateOf(id)]).toEqual([round, "open"]);
    }
  });

  it("is told in a plan with every rule that a request would bring, also of several ports", async () => {
    const windows = [22, 3389].map((port) =>
      anEdgeWindow({ id: `${requestId}-0-${port}`, port, closesAt: inMinutes(60) }),
    );
    const one = world.start();
    const { gates } = await world.clock.run(
      foreseeRequest({ ...one, foresee: createForesee(one) }, anAccessRequest({ windows })),
    );

    const { plan, vmOf } = gates.find(({ gateId }) => gateId === firewalls.classic) ?? {};
    const names = (plan?.changes ?? []).map((change) =>
      change.kind === "put" ? change.rule.name : change.name,
    );
    expect(names).toHaveLength(4);
    expect(names.map((name) => vmOf?.(name))).toEqual(names.map(() => edge));
  });

  it("tells of a revoked opening that the port may have been open", async () => {
    await world.ask([aWindow({ vmId: spoke, closesAt: inMinutes(120) })]);
    const one = world.start();
    await world.clock.run(openWindows(one, { requestId, vmIndex: 0 }));
    await world.clock.advance(60_000);
    await world.requests.change(requestId, (request) => ({
      ...request,
      windows: request.windows.map((window) => ({
        ...window,
        state: "closing",
        endReason: "UserRequested",
      })),
    }));
    let wasOpen = false;
    const until = now() + 3 * updateMs;
    while (now() < until) {
      await world.live(requestId, { until: now() + 20_000 });
      await world.clock.advance(10_000);
      wasOpen ||= world.inEffect(firewalls.policy).length > 0;
    }
    expect(wasOpen).toBe(true);
    expect((await world.windows(requestId))[0]).toMatchObject({ state: "closed" });
    const reasons = (await world.facts()).flatMap((fact) => fact.reasons ?? []);
    expect(reasons).toMatchObject([
      { code: "EndedBeforeOpen", message: expect.stringContaining("a firewall may have let it") },
    ]);
  });
});
