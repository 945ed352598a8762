import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Caller } from "../../src/caller/caller.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import { aPolicy, vmId } from "../support/builders.ts";
import { createFaults } from "../support/faults.ts";
import { type CallOptions, createFrontDoor, paths, people } from "../support/front-door.ts";
import { createWorld, type World } from "../support/world.ts";

const application = "33333333-0000-4000-8000-000000000001";
const correlationId = "44444444-0000-4000-8000-000000000001";
const through = (person: Caller): Caller => ({ ...person, application });
const aPort = {
  number: 22,
  protocol: "TCP",
  allowedSourceAddressPrefix: "203.0.113.0/24",
  maxRequestAccessDuration: "PT3H",
};
const bodyOf = (vms: Readonly<Record<string, object>>) => ({
  properties: {
    virtualMachines: Object.entries(vms).map(([name, port]) => ({
      id: vmId(name),
      ports: [{ ...aPort, ...port }],
    })),
  },
});
const asking = {
  virtualMachines: [{ id: vmId(), ports: [{ number: 22, duration: "PT1H" }] }],
  justification: "disk full",
};

describe("what the audit tells of who did something, from where, and what was changed", () => {
  let world: World;
  let door: ReturnType<typeof createFrontDoor>;
  beforeEach(() => {
    world = createWorld();
    door = createFrontDoor(world);
  });

  const call = async (method: string, path: string, options: CallOptions = {}) => {
    await world.clock.advance(1_000);
    const headers = { "x-ms-correlation-request-id": correlationId };
    const reply = await door.call(method, path, { headers, ...options });
    const callId = reply.headers.get("x-ms-request-id");
    return { ...reply, origin: { address: "203.0.113.7", callId, correlationId } };
  };
  const factsOf = async (operation: string, outcome: string) =>
    (await world.facts()).filter(
      (fact) => fact.operation === operation && fact.outcome === outcome,
    );
  const web1 = JSON.stringify(aPort);

  it("is of a policy change, asked for and done, the person, the program, the call and the ports", async () => {
    const put = await call("PUT", paths.policy(), {
      as: through(people.olivia),
      body: bodyOf({ "web-1": {} }),
    });

    const facts = await world.facts();
    expect(facts.map(({ outcome }) => outcome).toSorted()).toEqual(["asked", "done"]);
    for (const fact of facts) {
      expect(fact).toMatchObject({
        actor: { objectId: people.olivia.objectId, application },
        origin: put.origin,
        changes: [{ path: "ports[22]", after: web1 }],
      });
    }
  });

  it("is of a change that was cut off the same, wherever that was and whoever finishes it", async () => {
    let finished = 0;
    for (let at = 1; at <= 15; at += 1) {
      world = createWorld();
      door = createFrontDoor(world, { faults: createFaults({ at, kind: "goes down" }) });
      const put = await call("PUT", paths.policy(), { body: bodyOf({ "web-1": {} }) });
      await world.clock.run(sweep(world.start()));

      for (const fact of await world.facts()) {
        expect(fact).toMatchObject({
          origin: put.origin,
          changes: [{ path: "ports[22]", after: web1 }],
        });
        finished += fact.outcome === "done" && put.status !== 200 ? 1 : 0;
      }
    }
    expect(finished).toBeGreaterThan(0);
  });

  it("is of a change of several VMs what became of each: added, changed, dropped, left alone", async () => {
    await call("PUT", paths.policy(), { body: bodyOf({ "web-1": {}, "web-2": {} }) });
    await call("PUT", paths.policy(), {
      body: bodyOf({ dual: {}, "web-1": { maxRequestAccessDuration: "PT1H" } }),
    });

    const changes = (await factsOf("policy.write", "done")).slice(2);
    const after = JSON.stringify({ ...aPort, maxRequestAccessDuration: "PT1H" });
    expect(new Map(changes.map((fact) => [fact.vmId, fact.changes]))).toEqual(
      new Map([
        [vmId("dual"), [{ path: "ports[22]", after: web1 }]],
        [vmId("web-1"), [{ path: "ports[22]", before: web1, after }]],
        [vmId("web-2"), [{ path: "ports[22]", before: web1 }]],
      ]),
    );
  });

  it("is of a deletion what was there", async () => {
    await call("PUT", paths.policy(), { body: bodyOf({ "web-1": {} }) });
    const gone = await call("DELETE", paths.policy());

    expect(await factsOf("policy.delete", "done")).toEqual([
      expect.objectContaining({
        origin: gone.origin,
        changes: [{ path: "ports[22]", before: web1 }],
      }),
    ]);
  });

  it("is of a policy that was put while it was being deleted all of it anew", async () => {
    const body = bodyOf({ "web-1": {} });
    await call("PUT", paths.policy(), { body });
    const stored = await world.policies.get(aPolicy().id);
    await world.policies.put({ ...(stored?.value ?? aPolicy()), state: "deleting" }, stored?.etag);

    await call("PUT", paths.policy(), { body });

    expect((await factsOf("policy.write", "done")).map(({ changes }) => changes)).toEqual([
      [{ path: "ports[22]", after: web1 }],
      [{ path: "ports[22]", after: web1 }],
    ]);
  });

  it("is of a request, an answer, and an end each its own call; of what the service does about it none", async () => {
    const { tenantId, objectId, name } = people.dan;
    await world.protect({
      accessRules: {
        approval: {
          approvalsNeeded: 1,
          approvers: { people: [{ tenantId, objectId, name }], groups: [] },
          answerWithin: "PT1H",
        },
      },
    });
    const asked = await call("POST", paths.initiate(), {
      as: through(people.alice),
      body: asking,
    });
    const id: string = asked.json.id;
    const approved = await call("POST", paths.request(id, "approve"), { as: "dan" });
    await door.work();
    const ended = await call("POST", paths.request(id, "revoke"), { as: "alice" });
    await door.work();

    const origins = (await world.facts())
      .filter((fact) => fact.requestId === id && fact.operation.startsWith("access."))
      .map(({ operation, outcome, origin }) => [`${operation} ${outcome}`, origin] as const);
    expect(new Map(origins)).toEqual(
      new Map<string, unknown>([
        ["access.initiate asked", asked.origin],
        ["access.approve done", approved.origin],
        ["access.open asked", undefined],
        ["access.open done", undefined],
        ["access.revoke done", ended.origin],
        ["access.close asked", undefined],
        ["access.close done", undefined],
      ]),
    );
  });

  it("is of a refusal the call, too", async () => {
    const refused = await call("POST", paths.initiate(), {
      as: through(people.eve),
      body: asking,
    });

    expect(refused.status).toBe(403);
    expect(await factsOf("access.initiate", "refused")).toEqual([
      expect.objectContaining({
        actor: expect.objectContaining({ application }),
        origin: refused.origin,
      }),
    ]);
  });

  it("stays out of what a request shows: who may see it is told who asked, not from where", async () => {
    await world.protect();
    const asked = await call("POST", paths.initiate(), { as: through(people.alice), body: asking });
    const shown = await call("GET", paths.request(asked.json.id), { as: "rita" });
    const policy = await call("GET", paths.policy(), { as: "rita" });

    for (const { text } of [asked, shown, policy]) {
      expect(text).not.toContain(application);
      expect(text).not.toContain(String(asked.origin.callId));
    }
    expect(await world.requests.get(asked.json.id)).toMatchObject({
      origin: asked.origin,
      requestor: { application },
      policyChangedAt: aPolicy().changedAt,
    });
  });
});
