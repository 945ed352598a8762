import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Network } from "../../src/ports.ts";
import { type Opened, openWindows } from "../../src/workflow/open-windows.ts";
import { aWindow } from "../support/builders.ts";
import {
  createFirewallWorld,
  edge,
  type FirewallWorld,
  firewalls,
  updateMs,
} from "../support/firewall-world.ts";

const ids = Array.from(
  { length: 15 },
  (_, index) => `5c1e2d3f-77bb-4a0c-9d21-1f2e3d4c5b${10 + index}`,
);

describe("many who want through one firewall at once", () => {
  let world: FirewallWorld;
  beforeEach(async () => {
    world = await createFirewallWorld();
  });

  const now = () => world.clock.now().getTime();

  /** All ask one process, each so long after the one before; answers when all are open. Counts what Azure is asked meanwhile. */
  async function openAll(apartMs: number) {
    const asked = { looks: 0, machines: 0, polls: 0 };
    const process = world.start();
    const network: Network = {
      ...process.network,
      findMachine(vmId) {
        asked.machines += 1;
        return process.network.findMachine(vmId);
      },
    };
    const progress = world.network.progress;
    world.network.progress = (gateId, operation) => {
      asked.polls += 1;
      return progress(gateId, operation);
    };
    const closesAt = new Date(now() + 3_600_000).toISOString();
    for (const [index, id] of ids.entries()) {
      const sources = [`203.0.113.${index + 1}`];
      await world.ask([aWindow({ id: `${id}-0-22`, vmId: edge, closesAt, sources })], id);
    }
    const openOne = async (id: string, index: number) => {
      await world.clock.pause(index * apartMs);
      let opened: Opened | undefined;
      do {
        await world.clock.pause(opened?.retryAfterMs ?? 0);
        asked.looks += 1;
        const isAgain = opened !== undefined;
        opened = await openWindows({ ...process, network }, { requestId: id, vmIndex: 0, isAgain });
      } while (opened.retryAfterMs !== undefined);
    };
    const startedAt = now();
    const updates = world.network.updates.length;
    await world.clock.run(Promise.all(ids.map(openOne)));
    const started = world.network.updates.slice(updates);
    return {
      ...asked,
      tookMs: now() - startedAt,
      updates: started.filter((id) => id === firewalls.classic).length,
    };
  }

  it("go with the update of the first, who waits a little for those who ask after it", async () => {
    const { updates, tookMs } = await openAll(300);

    expect(updates).toBe(1);
    expect(tookMs).toBeLessThan(1.15 * updateMs);
    for (const id of ids) {
      expect((await world.windows(id))[0]?.state).toBe("open");
    }
  });

  it("do not all look how the update goes: one does, and the others come when it should be over", async () => {
    const { looks, polls } = await openAll(300);

    expect(polls).toBeLessThan(30);
    expect(looks / ids.length).toBeLessThan(6);
  });

  it("have Azure asked where their VM is when they ask and when they are open, and not while they wait", async () => {
    const { machines } = await openAll(300);

    expect(machines).toBeLessThanOrEqual(3 * ids.length);
  });

  it("are made to wait for less than a hundredth of an update where nobody else asks", async () => {
    const startedAt = now();
    const closesAt = new Date(now() + 3_600_000).toISOString();
    await world.ask([aWindow({ id: `${ids[0]}-0-22`, vmId: edge, closesAt })], ids[0]);

    await world.clock.run(openWindows(world.start(), { requestId: ids[0] ?? "", vmIndex: 0 }));

    expect(world.network.updates.at(-1)).toBe(firewalls.classic);
    expect(now() - startedAt).toBeLessThan(updateMs / 100);
  });

  it("that wait for an update are still decided anew: one whose rights are gone meanwhile is not opened", async () => {
    const [id = ""] = ids;
    const closesAt = new Date(now() + 3_600_000).toISOString();
    const process = world.start();
    const { requestor } = await world.ask(
      [aWindow({ id: `${id}-0-22`, vmId: edge, closesAt })],
      id,
    );
    const opened = await world.clock.run(openWindows(process, { requestId: id, vmIndex: 0 }));
    world.loseRights(requestor);

    await world.clock.advance(opened.retryAfterMs ?? 0);
    await world.clock.run(openWindows(process, { requestId: id, vmIndex: 0, isAgain: true }));

    const [window] = await world.windows(id);
    expect(window?.state).toBe("closing");
    expect((await world.record(firewalls.classic)).intent.windows).toEqual([]);
  });
});
