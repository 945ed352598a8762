import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createHttpHeaders, type PipelinePolicy } from "@azure/core-rest-pipeline";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createActivityStore } from "../../src/tables/activity.ts";
import { createTables } from "../../src/tables/client.ts";
import { createGateStore } from "../../src/tables/gates.ts";
import { createPolicyStore } from "../../src/tables/policies.ts";
import { createRequestStore } from "../../src/tables/requests.ts";
import { type Azurite, startAzurite } from "../support/azurite.ts";
import { freshTables, pause } from "../support/fresh-tables.ts";
import { aFact, aPolicy, aRequest, aWindow, gateId, vmId } from "../support/stored-samples.ts";

/** What happens to requests on their way; counts every write that is sent. */
function aWire() {
  const wire = {
    writes: 0,
    /** So many of the next writes get through, but their answers do not come back. */
    answersToLose: 0,
    /** So many of the next requests are turned away by a busy server. */
    requestsToRefuse: 0,
    policy: {
      name: "wire",
      async sendRequest(request, next) {
        const busy = { request, status: 503, headers: createHttpHeaders() };
        if (wire.requestsToRefuse > 0) {
          wire.requestsToRefuse -= 1;
          return busy;
        }
        const answer = await next(request);
        if (request.method !== "GET") {
          wire.writes += 1;
          if (wire.answersToLose > 0) {
            wire.answersToLose -= 1;
            return busy;
          }
        }
        return answer;
      },
    } satisfies PipelinePolicy,
  };
  return wire;
}

describe("the tables", () => {
  let azurite: Azurite;

  beforeAll(async () => {
    azurite = await startAzurite();
  }, 30_000);

  afterAll(() => azurite?.stop());

  const onAWire = async () => {
    const wire = aWire();
    const tables = freshTables(azurite, {
      additionalPolicies: [{ policy: wire.policy, position: "perRetry" }],
    });
    await tables.gates();
    wire.writes = 0;
    return { wire, tables };
  };

  it("take 100 simultaneous changes of one gate in two transactions", async () => {
    const { wire, tables } = await onAWire();
    const gates = createGateStore(tables, pause);
    const windows = Array.from({ length: 100 }, () => aWindow());

    const revisions = await Promise.all(
      windows.map((window) => gates.change(gateId, { addWindows: [window] })),
    );

    expect(wire.writes).toBe(2);
    expect((await gates.read(gateId)).intent.windows).toHaveLength(100);
    expect(Math.max(...revisions)).toBe(2);
  });

  it("write nothing for a change without effect", async () => {
    const { wire, tables } = await onAWire();
    const gates = createGateStore(tables, pause);
    const requests = createRequestStore(tables, pause);
    const [window, request] = [aWindow(), aRequest()];
    await gates.change(gateId, { addWindows: [window] });
    await requests.create(request);
    wire.writes = 0;

    await gates.change(gateId, { addWindows: [window] });
    await requests.change(request.id, (current) => ({ ...current }));

    expect(wire.writes).toBe(0);
  });

  it("get over a storage that is busy for a moment", async () => {
    const { wire, tables } = await onAWire();
    const gates = createGateStore(tables, pause);

    wire.requestsToRefuse = 2;

    expect(await gates.change(gateId, { addWindows: [aWindow()] })).toBe(1);
  });

  it("count a change of a gate once whose answer got lost", async () => {
    const { wire, tables } = await onAWire();
    const gates = createGateStore(tables, pause);

    wire.answersToLose = 1;
    const revision = await gates.change(gateId, { addWindows: [aWindow()] });

    expect(revision).toBe(1);
    expect((await gates.read(gateId)).desiredRevision).toBe(1);
  });

  it("give the lease to the one whose answer got lost, and know its settlement", async () => {
    const { wire, tables } = await onAWire();
    const gates = createGateStore(tables, pause);
    const revision = await gates.change(gateId, { addWindows: [aWindow()] });

    wire.answersToLose = 1;
    const taken = await gates.takeLease(gateId, "ann", undefined);
    wire.answersToLose = 1;
    const done = await gates.complete(gateId, "ann", {
      revision,
      results: {},
      findings: [],
      expired: [],
      proven: [],
    });

    expect(taken?.lease?.holder).toBe("ann");
    expect(done).toBe(true);
    expect((await gates.read(gateId)).appliedRevision).toBe(1);
  });

  it("keep one request and one fact whose answers got lost", async () => {
    const { wire, tables } = await onAWire();
    const requests = createRequestStore(tables, pause);
    const activity = createActivityStore(tables, pause);
    const [request, fact] = [aRequest(), aFact()];

    wire.answersToLose = 1;
    await requests.create(request);
    wire.answersToLose = 1;
    await activity.record([fact]);
    wire.answersToLose = 1;
    await requests.change(request.id, (current) => ({ ...current, justification: "done" }));

    expect(await requests.ofPolicy(request.policyId, new Date(0))).toEqual([
      { ...request, justification: "done" },
    ]);
    const query = { of: { vmId: vmId("web1") }, from: new Date(0), to: new Date(fact.at), top: 10 };
    expect((await activity.list(query)).items).toEqual([fact]);
  });

  it("do not take a missing table for a missing policy", async () => {
    const { tables } = await onAWire();
    const policies = createPolicyStore(tables);
    await policies.put(aPolicy());
    await (await tables.policies()).deleteTable();

    await expect(policies.get(aPolicy().id)).rejects.toMatchObject({ statusCode: 404 });
    await expect(policies.put(aPolicy())).rejects.toMatchObject({ statusCode: 404 });
  });

  it("are created at the first use, and again when that failed", async () => {
    const wire = aWire();
    const tables = freshTables(azurite, {
      additionalPolicies: [{ policy: wire.policy, position: "perRetry" }],
    });
    // One table of six meets four refusals in a row.
    wire.requestsToRefuse = 19;

    await expect(tables.gates()).rejects.toMatchObject({ statusCode: 503 });

    expect((await createGateStore(tables, pause).read(gateId)).desiredRevision).toBe(0);
  });

  it.each(["", "1Jit", "jit-access", "J".repeat(51)])(
    "refuse '%s' as a prefix of their names",
    (prefix) => {
      expect(() => createTables(azurite, { prefix })).toThrow("prefix");
    },
  );

  it("wait for no answer for ever: nobody else would get the lease of a writer that does", async () => {
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    silent.unref();
    const connectionString = `DefaultEndpointsProtocol=http;AccountName=silent;AccountKey=c2lsZW50;TableEndpoint=http://127.0.0.1:${port}/silent`;
    const tables = createTables({ connectionString }, { answerWithinMs: 100 });

    await expect(createActivityStore(tables, pause).record([aFact()])).rejects.toThrow();

    silent.closeAllConnections();
    silent.close();
  });
});
