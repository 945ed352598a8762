import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { conflict, emptyGroup, endless, firewallCalls, group } from "./support/firewall-calls.ts";
import { type Laboratory, openLaboratory } from "./support/running-cloud.ts";
import { soon } from "./support/soon.ts";

let lab: Laboratory;
let calls: ReturnType<typeof firewallCalls>;
beforeAll(async () => {
  lab = await openLaboratory();
  calls = firewallCalls(lab);
});
afterAll(() => lab.dispose());

describe("a write while another one runs", () => {
  it("of the same classic firewall is refused, and leaves the first one alone", async () => {
    const cloud = await lab.start(endless);

    const first = await calls.putEdge(cloud);
    const second = await lab.send(cloud, "PUT", calls.paths.edge, {
      body: await calls.get(cloud, calls.paths.edge),
    });

    expect(first.status).toBe(200);
    expect(second).toMatchObject(conflict);
    expect(await calls.poll(cloud, first.headers)).toEqual({ status: "InProgress" });
  });

  it("of the same policy, its parent, its firewall or its IP groups is refused; of others it is not", async () => {
    const cloud = await lab.start(endless);
    const { body: hub } = await lab.send(cloud, "GET", calls.paths.hub);
    const { body: ipGroup } = await lab.send(cloud, "GET", calls.paths.ipGroup);

    const first = await lab.send(cloud, "PUT", calls.paths.group("fwp-hub", "ours"), {
      body: group,
    });
    const refused = [
      await lab.send(cloud, "PUT", calls.paths.group("fwp-hub", "others"), { body: emptyGroup }),
      await lab.send(
        cloud,
        "DELETE",
        calls.paths.group("fwp-hub", "DefaultDnatRuleCollectionGroup"),
      ),
      await lab.send(cloud, "PUT", calls.paths.group("fwp-corp", "more"), { body: emptyGroup }),
      await lab.send(cloud, "PUT", calls.paths.hub, { body: hub }),
      await lab.send(cloud, "PUT", calls.paths.ipGroup, { body: ipGroup }),
    ];
    const edge = await calls.putEdge(cloud);

    expect(first.status).toBe(201);
    for (const answer of refused) expect(answer).toMatchObject(conflict);
    expect(edge.status).toBe(200);
  });

  it.each(["group of the parent policy", "firewall", "IP group"])(
    "of the child policy is refused while the %s is written",
    async (what) => {
      const cloud = await lab.start(endless);
      const path = { firewall: calls.paths.hub, "IP group": calls.paths.ipGroup }[what];
      const body = path === undefined ? emptyGroup : await calls.get(cloud, path);

      const first = await lab.send(cloud, "PUT", path ?? calls.paths.group("fwp-corp", "more"), {
        body,
      });
      const second = await lab.send(cloud, "PUT", calls.paths.group("fwp-hub", "ours"), {
        body: group,
      });

      expect(first.status).toBeLessThan(300);
      expect(second).toMatchObject(conflict);
    },
  );
});

describe("the time of an update", () => {
  it("is a twentieth where no firewall is reached", async () => {
    const cloud = await lab.start({ timing: { firewallUpdateMs: 4_000 } });
    const lone = calls.paths.policy("lone").split("?")[0] ?? "";
    const location = "westeurope";
    cloud.resources.put({
      id: lone,
      name: "lone",
      type: "Microsoft.Network/firewallPolicies",
      location,
      properties: {},
    });

    const fast = await lab.send(cloud, "PUT", calls.paths.group("lone", "ours"), {
      body: emptyGroup,
    });
    const slow = await lab.send(cloud, "PUT", calls.paths.group("fwp-hub", "ours"), {
      body: group,
    });

    await soon(async () =>
      expect(await calls.poll(cloud, fast.headers)).toEqual({ status: "Succeeded" }),
    );
    expect(await calls.poll(cloud, slow.headers)).toEqual({ status: "InProgress" });
  });
});

describe("If-Match on firewalls and rule collection groups", () => {
  const groupPath = () => calls.paths.group("fwp-hub", "DefaultDnatRuleCollectionGroup");
  const old = { "If-Match": 'W/"11111111-1111-4111-8111-111111111111"' };

  it("refuses an old etag with 412 and takes the present one", async () => {
    const cloud = await lab.start();
    const { body, headers } = await lab.send(cloud, "GET", groupPath());

    const refused = [
      await calls.putEdge(cloud, old),
      await lab.send(cloud, "PUT", groupPath(), { body, headers: old }),
      await lab.send(cloud, "DELETE", groupPath(), { headers: old }),
    ];
    const edge = await calls.get(cloud, calls.paths.edge);
    const taken = [
      await calls.putEdge(cloud, { "If-Match": edge.etag }),
      await lab.send(cloud, "PUT", groupPath(), { body, headers: { "If-Match": body.etag } }),
    ];

    expect(headers.etag).toBe(`"${body.etag}"`);
    for (const answer of refused) {
      expect(answer).toMatchObject({
        status: 412,
        body: { error: { code: "PreconditionFailed" } },
      });
    }
    expect(taken.map(({ status }) => status)).toEqual([200, 200]);
  });

  it("means nothing where the estate says so", async () => {
    const cloud = await lab.start({ behaviour: { firewallIfMatch: "ignored" } });
    const body = await calls.get(cloud, groupPath());

    const edge = await calls.putEdge(cloud, old);
    const dnat = await lab.send(cloud, "PUT", groupPath(), { body, headers: old });

    expect([edge.status, dnat.status]).toEqual([200, 200]);
  });
});

describe("an update that a restart of the cloud interrupts", () => {
  it.each(["shows what was asked", "shows what was before"] as const)(
    "ends as it was to end; a failed one %s",
    async (failedFirewallUpdate) => {
      const stateFile = `${lab.dir}/${failedFirewallUpdate}.json`;
      const behaviour = { failedFirewallUpdate };
      const first = await lab.start({ stateFile, ...endless });
      first.faults.arm({ match: "PUT azureFirewalls", kind: "operation-fails" });
      const edge = await calls.putEdge(first);
      const hub = await lab.send(first, "PUT", calls.paths.group("fwp-hub", "ours"), {
        body: group,
      });
      await first.stop();

      const second = await lab.start({ stateFile, ...endless });
      const atOnce = await calls.poll(second, hub.headers, first);
      const refused = await lab.send(second, "PUT", calls.paths.group("fwp-corp", "more"), {
        body: emptyGroup,
      });

      await second.stop();
      const later = () => new Date(Date.now() + 60_000);
      const third = await lab.start({ stateFile, behaviour, now: later });

      expect(atOnce).toEqual({ status: "InProgress" });
      expect(refused).toMatchObject(conflict);
      await soon(async () => {
        expect(await calls.poll(third, hub.headers, first)).toEqual({ status: "Succeeded" });
        expect(await calls.poll(third, edge.headers, first)).toMatchObject({ status: "Failed" });
      });
      const { properties } = await calls.get(third, calls.paths.edge);
      expect(properties.provisioningState).toBe("Failed");
      expect(properties.natRuleCollections).toHaveLength(
        failedFirewallUpdate === "shows what was asked" ? 2 : 1,
      );
      expect((await calls.get(third, calls.paths.hub)).properties.provisioningState).toBe(
        "Succeeded",
      );
    },
  );
});
