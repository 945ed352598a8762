import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { createNetwork } from "../../src/azure/network.ts";
import { ruleToJson } from "../../src/azure/nsg-json.ts";
import type { WriteOutcome } from "../../src/ports.ts";
import type { SecurityRule } from "../../src/rules/nsg.ts";
import type { RuleChange } from "../../src/rules/nsg-plan.ts";
import { aGroup, anOwner, aRule } from "../support/builders.ts";
import {
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from "../support/scripted-server.ts";
import { createStaticCredential } from "../support/static-credential.ts";

const going = aRule({ name: "going", priority: 100 });
const moving = aRule({ name: "moving", priority: 101, access: "Deny" });
const alike = aRule({ name: "alike", priority: 102, destinationPorts: ["22"] });
const { id: gateId } = aGroup();

const put = (rule: SecurityRule): RuleChange => ({ kind: "put", rule });
const remove = ({ name }: SecurityRule): RuleChange => ({ kind: "delete", name });

const refusal = { error: { code: "SecurityRuleInvalidAddressPrefix", message: "no" } };
const notAllowed = { error: { code: "AuthorizationFailed", message: "not the whole group" } };

let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.close());

/** The requests of one write. */
let sent: readonly string[];
beforeEach(() => {
  sent = [];
});

/** Writes to a group of those three rules, with these answers of Azure's. */
async function write(
  changes: readonly RuleChange[],
  answer: (method: string) => ScriptedAnswer,
  etag = 'W/"1"',
): Promise<WriteOutcome> {
  const rules = [going, moving, alike];
  const raw = { id: gateId, properties: { securityRules: rules.map(ruleToJson) } };
  server.answer = ({ method, path }) => {
    sent = [...sent, `${method} ${path.split("networkSecurityGroups/")[1]?.split("?")[0]}`];
    return answer(method);
  };
  const network = createNetwork({
    credential: createStaticCredential("token"),
    endpoint: server.url,
    scope: "https://management.azure.com/.default",
    tlsOptions: { ca: server.ca },
    retryDelayMs: 1,
    pollMs: 1,
    owner: anOwner,
  });
  return await network.write({ gate: aGroup(...rules), etag, isUpdating: false, raw }, changes);
}

const succeeded = { status: 200, body: { properties: { provisioningState: "Succeeded" } } };

describe("a write to a gate", () => {
  it.each<[string, readonly RuleChange[], readonly string[]]>([
    ["one rule by itself", [put(going)], ["PUT shop-nsg/securityRules/going"]],
    ["one that goes by itself", [remove(going)], ["DELETE shop-nsg/securityRules/going"]],
    ["two that go at once", [remove(going), remove(alike)], ["PUT shop-nsg"]],
    ["one that goes and one that comes at once", [remove(going), put(alike)], ["PUT shop-nsg"]],
    ["three at once", [put(going), put(alike), put(moving)], ["PUT shop-nsg"]],
  ])("sends %s", async (_case, changes, expected) => {
    expect(await write(changes, () => succeeded)).toEqual({ outcome: "written" });
    expect(sent).toEqual(expected);
  });

  it("goes rule by rule where Azure gave no etag that could guard the others", async () => {
    await write([remove(going), put(alike)], () => succeeded, "");

    expect(sent).toEqual([
      "DELETE shop-nsg/securityRules/going",
      "PUT shop-nsg/securityRules/alike",
    ]);
  });
});

describe("a write of the whole group that Azure refuses", () => {
  const changes = [
    remove(going),
    remove(moving),
    remove(alike),
    put({ ...moving, priority: 300 }),
    put({ ...alike, name: "successor" }),
  ];

  it.each<[string, ScriptedAnswer]>([
    ["for what is to be written", { status: 400, body: refusal }],
    ["for want of a right to the whole group", { status: 403, body: notAllowed }],
  ])(
    "%s still closes: rules go that neither come back nor have a successor that says the same",
    async (_case, answer) => {
      const outcome = await write(changes, (method) =>
        method === "PUT" ? answer : { status: 204 },
      );

      expect(outcome).toMatchObject({ outcome: "refused", reason: { code: "GateNotWritable" } });
      expect(sent).toEqual(["PUT shop-nsg", "DELETE shop-nsg/securityRules/going"]);
    },
  );

  it("is tried again at once when the closing met somebody else's write", async () => {
    const outcome = await write(changes, (method) =>
      method === "PUT" ? { status: 400, body: refusal } : { status: 409 },
    );

    expect(outcome).toMatchObject({ outcome: "changed" });
  });

  it("tells the first refusal when the closing is refused, too", async () => {
    const outcome = await write(changes, (method) =>
      method === "PUT" ? { status: 400, body: refusal } : { status: 403, body: notAllowed },
    );

    expect(outcome).toMatchObject({
      outcome: "refused",
      reason: { message: expect.stringContaining("SecurityRuleInvalidAddressPrefix") },
    });
  });

  it("deletes nothing when somebody else only was quicker: the plan is made anew", async () => {
    const outcome = await write(changes, () => ({ status: 412 }));

    expect(outcome).toMatchObject({ outcome: "changed" });
    expect(sent).toEqual(["PUT shop-nsg"]);
  });
});
