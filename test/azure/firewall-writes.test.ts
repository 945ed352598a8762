import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { createNetwork } from "../../src/azure/network.ts";
import type { GateReading } from "../../src/ports.ts";
import type { FirewallRule } from "../../src/rules/firewall.ts";
import { ownCollections, ownGroupName } from "../../src/rules/owned.ts";
import { anOwner } from "../support/builders.ts";
import {
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from "../support/scripted-server.ts";
import { createStaticCredential } from "../support/static-credential.ts";

const network = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network";
const classicId = `${network}/azureFirewalls/fw`;
const groupId = `${network}/firewallPolicies/p/ruleCollectionGroups/${ownGroupName(anOwner)}`;
const etag = 'W/"1"';

const rule: FirewallRule = {
  name: "one",
  kind: "network",
  access: "Deny",
  collection: ownCollections(anOwner).deny,
  order: [1, 150, 100],
  protocols: ["Any"],
  sources: ["*"],
  destinations: ["10.0.0.4"],
  destinationPorts: ["22"],
  description: "",
};
const put = { kind: "put", rule } as const;
const gone = { kind: "delete", name: rule.name } as const;

let server: ScriptedServer;
let elsewhere: ScriptedServer;
beforeAll(async () => {
  [server, elsewhere] = await Promise.all([startScriptedServer(), startScriptedServer()]);
});
afterAll(async () => {
  await Promise.all([server.close(), elsewhere.close()]);
});

let sent: readonly string[];
beforeEach(() => {
  sent = [];
});

/** A network whose reads of the gate show it under `now`, and whose other requests are answered so. */
function connect(answer: (method: string) => ScriptedAnswer, now: string | undefined = etag) {
  server.answer = ({ method, path, headers }) => {
    const guard = headers["if-match"] === undefined ? "" : ` if ${headers["if-match"]}`;
    sent = [...sent, `${method} ${path.split("?")[0]?.split("/").at(-1)}${guard}`];
    const isLook = method === "GET" && !path.includes("/operations/");
    return isLook
      ? now === ""
        ? { status: 404 }
        : { status: 200, body: { etag: now } }
      : answer(method);
  };
  return createNetwork({
    credential: createStaticCredential("token"),
    endpoint: server.url,
    scope: "https://management.azure.com/.default",
    tlsOptions: { ca: server.ca },
    retryDelayMs: 1,
    pollMs: 700,
    owner: anOwner,
  });
}

function reading(kind: "classic" | "policy", raw: unknown, seen = etag): GateReading {
  const id = kind === "classic" ? classicId : groupId;
  const gate = { id, kind, name: "fw", rules: [], groupPriorities: [], publicAddresses: [] };
  return { gate, etag: seen, isUpdating: false, raw };
}
const classic = reading("classic", { properties: { networkRuleCollections: [] } });
const noGroup = reading("policy", undefined, "");
const group = reading("policy", {
  properties: { ruleCollections: [{ name: rule.collection, rules: [{ name: rule.name }] }] },
});

const operationUrl = () => `${server.url}/operations/1?t=1&s=opaque%2Fsignature`;
const accepted = (): ScriptedAnswer => ({
  status: 201,
  headers: { "azure-asyncoperation": operationUrl() },
});

describe("a write of a firewall", () => {
  it.each([
    ["a classic one, whole", classic, [put], ["GET fw", `PUT fw if ${etag}`]],
    ["the same once more", classic, [], ["GET fw", `PUT fw if ${etag}`]],
    ["a first group of ours", noGroup, [put], ["GET JitAccess-37a8ee", "PUT JitAccess-37a8ee"]],
    [
      "a group of ours, under no condition",
      group,
      [put],
      ["GET JitAccess-37a8ee", "PUT JitAccess-37a8ee"],
    ],
    [
      "a group with nothing left in it",
      group,
      [gone],
      ["GET JitAccess-37a8ee", "DELETE JitAccess-37a8ee"],
    ],
  ])("is one request after a last look: %s", async (_case, read, changes, expected) => {
    const network = connect(accepted, read.etag);

    expect(await network.write(read, changes)).toEqual({
      outcome: "started",
      operation: expect.any(String),
    });
    expect(sent).toEqual(expected);
  });

  it("is none where there is neither a group of ours nor a rule for it", async () => {
    expect(await connect(accepted).write(noGroup, [])).toEqual({ outcome: "written" });
    expect(sent).toEqual([]);
  });

  it.each([
    ["somebody wrote to it", classic, 'W/"2"'],
    ["somebody made a group of our name", noGroup, 'W/"2"'],
    ["a group of ours was made, and the look is older", group, ""],
    ["somebody wrote to our group", group, 'W/"2"'],
  ])("is not sent when %s since it was read", async (_case, read, now) => {
    expect(await connect(accepted, now).write(read, [put])).toMatchObject({ outcome: "changed" });
    expect(sent).toHaveLength(1);
  });

  it.each([
    ["written", { status: 200, body: {} }],
    ["changed", { status: 409, body: { error: { code: "AnotherOperationInProgress" } } }],
    ["changed", { status: 412 }],
    ["refused", { status: 400, body: { error: { code: "AzureFirewallRuleInvalid" } } }],
    ["refused", { status: 403, body: { error: { code: "AuthorizationFailed" } } }],
    ["changed", "drop"],
  ] as const)("is over at once, and %s, when Azure says so", async (outcome, answer) => {
    expect(await connect(() => answer).write(classic, [put])).toMatchObject({ outcome });
  });
});

describe("an update that was started", () => {
  const status = (word: string, code?: string): ScriptedAnswer => ({
    status: 200,
    body: { status: word, ...(code && { error: { code, message: "no" } }) },
  });

  it("is asked about at the signed address exactly as Azure gave it, by whoever has the token", async () => {
    const begun = await connect(accepted).write(classic, [put]);
    const token = begun.outcome === "started" ? begun.operation : "";
    const seen = server.requests.length;

    const progress = await connect(() => status("InProgress")).progress(classicId, token);

    expect(progress).toEqual({ outcome: "running", retryAfterMs: 700 });
    expect(server.requests.slice(seen).map(({ path }) => path)).toEqual([
      "/operations/1?t=1&s=opaque/signature",
    ]);
  });

  it.each([
    ["written", status("Succeeded")],
    ["changed", status("Canceled", "Canceled")],
    ["changed", status("Failed", "FirewallPolicyUpdateFailed")],
    ["changed", status("Failed", "IpGroupsUpdateFailed")],
    ["changed", status("Failed", "InternalServerError")],
    ["refused", status("Failed", "FirewallPolicyNatRuleInvalidDnatMultipleDestinationPortsExists")],
    ["changed", { status: 404 }],
    ["running", { status: 200, headers: { "retry-after": "10" }, body: { status: "Updating" } }],
    ["running", { status: 429, headers: { "retry-after": "20" } }],
  ] as const)("ends as Azure says: %s", async (outcome, answer) => {
    const token = JSON.stringify({ kind: "status", url: operationUrl() });

    expect(await connect(() => answer).progress(classicId, token)).toMatchObject({ outcome });
  });

  it("is followed by the gate's own state where Azure names no operation", async () => {
    const updating = { status: 200, body: { properties: { provisioningState: "Updating" } } };
    const begun = await connect(() => updating).write(classic, [put]);
    const token = begun.outcome === "started" ? begun.operation : "";

    // The look at the gate shows no state: it is over.
    expect(await connect(accepted).progress(classicId, token)).toEqual({ outcome: "written" });
    expect(sent.at(-1)).toBe("GET fw");
  });

  it.each([
    ["another host", () => `${elsewhere.url}/operations/1`],
    ["a connection that can be overheard", () => operationUrl().replace("https", "http")],
    ["a host that ends like Azure's", () => operationUrl().replace("localhost", "evillocalhost")],
    ["nowhere", () => "https://"],
  ])("is lost when its token leads to %s: ours would go there", async (_case, url) => {
    const network = connect(() => status("Succeeded"));
    const token = JSON.stringify({ kind: "status", url: url() });

    expect(await network.progress(classicId, token)).toMatchObject({ outcome: "changed" });
    expect([sent, elsewhere.requests]).toEqual([[], []]);
  });
});
