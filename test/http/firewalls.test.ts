import { beforeEach, describe, expect, it } from "@jest/globals";
import { protectPolicy } from "../../src/workflow/follow-policy.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import { createFirewallDoor, type FirewallDoor } from "../support/firewall-door.ts";
import {
  edge,
  firewalls,
  publicAddress,
  secondAddress,
  spoke,
  updateMs,
} from "../support/firewall-world.ts";
import { paths } from "../support/front-door.ts";

describe("the API, of VMs behind firewalls", () => {
  let at: FirewallDoor;
  beforeEach(async () => {
    at = await createFirewallDoor();
  });

  const now = () => at.world.clock.now().getTime();
  const sweepNow = () => at.world.clock.run(sweep(at.world.start()));
  const addressesIn = ({
    json,
  }: {
    readonly json: { properties: { virtualMachines: object[] } };
  }) =>
    json.properties.virtualMachines.map(
      (vm) => (vm as { publicIpAddress?: string }).publicIpAddress,
    );

  describe("a policy", () => {
    it("is answered at once, with the addresses to connect to, while the firewalls are being updated", async () => {
      const asked = now();
      const put = await at.put([5986]);

      expect(put.status).toBe(200);
      expect(now() - asked).toBeLessThan(updateMs / 2);
      expect(put.json.properties.provisioningState).toBe("Updating");
      expect(addressesIn(put)).toEqual([publicAddress.classic, publicAddress.policy]);
      expect(addressesIn(await at.get())).toEqual(addressesIn(put));
    });

    it("is looked after until its firewalls are done with it", async () => {
      const { followed } = at.door.workflows;
      await at.put([5986]);
      const [follow] = followed;
      const look = () => protectPolicy(at.world.start(), { policyId: follow?.policyId ?? "" });
      const { clock } = at.world;

      let looked = await clock.run(look());
      while (looked.retryAfterMs !== undefined) {
        await clock.advance(looked.retryAfterMs);
        looked = await clock.run(look());
      }

      expect(followed).toHaveLength(1);
      expect((await at.get()).json.properties.provisioningState).toBe("Succeeded");
      const { updateTimes = [] } = await at.world.record(firewalls.classic);
      expect(updateTimes.at(-1)).toBeLessThan(updateMs * 1.1);
    });

    it("has succeeded once the updates have ended and a sweep has seen it", async () => {
      await at.put([5986]);
      await at.world.clock.advance(2 * updateMs);
      await sweepNow();

      expect((await at.get()).json.properties.provisioningState).toBe("Succeeded");
      for (const gateId of Object.values(firewalls)) {
        const [deny] = at.world.inEffect(gateId, "network", "Deny");
        expect(deny?.destinationPorts).toContain("5986");
      }
    });

    it("may name which of the firewall's addresses leads to a VM, and that one is used", async () => {
      const put = await at.put([], { publicIpAddress: secondAddress });
      await at.settled();
      const { id } = (await at.ask()).json;
      await at.world.live(id, { until: now() + 2 * updateMs });

      expect(addressesIn(put)).toEqual([secondAddress, publicAddress.policy]);
      expect(await at.window(id)).toMatchObject({ state: "open", publicIpAddress: secondAddress });
      expect(at.world.inEffect(firewalls.classic, "dnat")).toMatchObject([
        { destinations: [secondAddress] },
      ]);
    });

    it("that names an address which the firewall does not have is refused, with those that it has", async () => {
      const put = await at.put([], { publicIpAddress: "192.0.2.99" });

      expect(put.status).toBe(400);
      expect(put.json.error).toMatchObject({
        code: "InvalidPolicy",
        target: "properties.virtualMachines[0].publicIpAddress",
      });
      for (const told of ["192.0.2.99", edge, publicAddress.classic, secondAddress]) {
        expect(put.json.error.message).toContain(told);
      }
    });

    it("that is put back as it was shown wishes for no address, and follows the firewall to another one", async () => {
      const shown = addressesIn(await at.get())[0];
      await at.put([], { publicIpAddress: shown });
      const moved = "192.0.2.77";
      const machine = await at.world.network.findMachine(edge);
      at.world.network.addMachine({
        ...(machine ?? { id: edge, name: "edge", location: "westeurope" }),
        addresses: (machine?.addresses ?? []).map((address) => ({
          ...address,
          firewalls: address.firewalls?.map((path) => ({ ...path, publicAddresses: [moved] })),
        })),
      });

      const plan = await at.planPolicy([], { publicIpAddress: shown });
      const again = await at.put([], { publicIpAddress: shown });

      expect(shown).toBe(publicAddress.classic);
      expect([plan.status, again.status]).toEqual([200, 200]);
      expect(addressesIn(again)).toEqual([moved, publicAddress.policy]);
    });

    it("keeps the address that it names while it is put back as it was shown", async () => {
      await at.put([], { publicIpAddress: secondAddress });

      const again = await at.put([5986], { publicIpAddress: secondAddress });

      expect(addressesIn(again)).toEqual([secondAddress, publicAddress.policy]);
    });

    it("tells at once which VM only a firewall holds, and whose routes lead where nothing can be held", async () => {
      const machine = await at.world.network.findMachine(edge);
      at.world.network.addMachine({
        ...(machine ?? { id: edge, name: "edge", location: "westeurope" }),
        addresses: (machine?.addresses ?? []).map((address) => ({
          ...address,
          detours: [{ nextHop: "10.99.0.4", why: "virtual hub" }],
        })),
      });

      const put = await at.put([5986]);
      const { findings } = (await at.get()).json.properties;

      expect(put.json.properties.provisioningState).toBe("Updating");
      expect(findings).toEqual(put.json.properties.findings);
      expect(findings).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ code: "FirewallOnly", vmId: spoke }),
          expect.objectContaining({
            code: "FirewallNotManaged",
            vmId: edge,
            target: "10.99.0.4",
          }),
        ]),
      );
    });

    it("deleted during an update goes with the update after it, and leaves nothing on the firewalls", async () => {
      await at.put([5986]);

      const deleted = await at.door.call("DELETE", paths.policy());
      const meanwhile = await at.get();
      for (let minutes = 0; minutes < 4 * (updateMs / 60_000); minutes += 1) {
        await at.world.clock.advance(60_000);
        await sweepNow();
      }

      expect(deleted.status).toBe(200);
      expect(meanwhile.json.properties.provisioningState).toBe("Deleting");
      expect((await at.get()).status).toBe(404);
      for (const gateId of Object.values(firewalls)) {
        expect(at.world.inEffect(gateId, "network", "Deny")).toEqual([]);
        expect(at.world.network.firewallRules(gateId).map(({ name }) => name)).toEqual(["ops-ssh"]);
      }
    });

    it("deleted takes what is open under it along", async () => {
      const { id } = (await at.ask()).json;
      await at.world.live(id, { until: now() + 2 * updateMs });

      await at.door.call("DELETE", paths.policy());
      await at.world.live(id);

      expect(at.world.inEffect(firewalls.classic)).toEqual([]);
      expect(await at.window(id)).toMatchObject({ state: "closed", endReason: "UserRequested" });
    });
  });

  describe("a request", () => {
    it("is told when it will probably be open", async () => {
      const asked = now();
      const { status, json } = await at.ask();

      expect(status).toBe(202);
      expect(Math.abs(Date.parse(json.expectedAt) - asked - updateMs)).toBeLessThan(30_000);
      expect((await at.window(json.id)).expectedAt).toBe(json.expectedAt);
    });

    it("shows, once it is open, the address and port that lead to the VM and what to type", async () => {
      const ssh = (await at.ask()).json.id;
      const desktop = (await at.ask({ vmId: spoke, number: 3389 })).json.id;
      const until = now() + 2 * updateMs;
      await at.world.clock.run(
        Promise.all([at.world.live(ssh, { until }), at.world.live(desktop, { until })]),
      );

      const [one, two] = [await at.window(ssh), await at.window(desktop)];
      const { requests } = (await at.get()).json.properties;

      expect(one).toMatchObject({ state: "open", publicIpAddress: publicAddress.classic });
      expect(one.connection).toEqual({
        address: publicAddress.classic,
        port: one.mappedPort,
        command: `ssh -p ${one.mappedPort} ${publicAddress.classic}`,
      });
      expect(two.connection).toEqual({
        address: publicAddress.policy,
        port: two.mappedPort,
        command: `mstsc /v:${publicAddress.policy}:${two.mappedPort}`,
      });
      expect(one.expectedAt).toBeUndefined();
      const wired = requests.flatMap((request: { virtualMachines: { ports: object[] }[] }) =>
        request.virtualMachines.flatMap(({ ports }) => ports),
      );
      expect(wired).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ number: 22, status: "Initiated", mappedPort: one.mappedPort }),
          expect.objectContaining({
            number: 3389,
            status: "Initiated",
            mappedPort: two.mappedPort,
          }),
        ]),
      );
    });

    it("leads to the VM's own address those who are inside", async () => {
      const { id } = (await at.ask({ from: "10.50.0.7" })).json;
      await at.world.live(id, { until: now() + 2 * updateMs });

      const window = await at.window(id);

      expect(window.connection).toEqual({
        address: "10.20.1.4",
        port: 22,
        command: "ssh 10.20.1.4",
      });
      expect(window.mappedPort).toBeUndefined();
    });

    it("for less time than the firewall takes to close is refused at once, and nothing is begun", async () => {
      const before = at.world.network.updates.length;
      const { status, json } = await at.ask({ duration: "PT3M" });

      expect([status, json.error.code, json.error.target]).toEqual([409, "GateTooSlow", edge]);
      expect(at.world.network.updates).toHaveLength(before);
      expect(at.door.workflows.started).toEqual([]);
    });
  });
});
