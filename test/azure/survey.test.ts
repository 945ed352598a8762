import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { createNetwork } from "../../src/azure/network.ts";
import { anOwner } from "../support/builders.ts";
import {
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from "../support/scripted-server.ts";
import { createStaticCredential } from "../support/static-credential.ts";

const token = "top-secret-token";
const subscription = "5b0f2a6e-3c1d-4e7f-9a52-7d1c0e4b8f31";
const types = ["virtualMachines", "networkInterfaces", "virtualNetworks", "networkSecurityGroups"];
const gate = (name: string, properties: object = {}) => ({
  id: `/subscriptions/${subscription}/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/${name}`,
  name,
  etag: `W/"${name}"`,
  properties,
});

let server: ScriptedServer;
let elsewhere: ScriptedServer;
let seen: number;
beforeAll(async () => {
  [server, elsewhere] = await Promise.all([startScriptedServer(), startScriptedServer()]);
});
afterAll(async () => {
  await Promise.all([server.close(), elsewhere.close()]);
});
beforeEach(() => {
  seen = server.requests.length;
});

const connect = () =>
  createNetwork({
    credential: createStaticCredential(token),
    endpoint: server.url,
    scope: "https://management.azure.com/.default",
    tlsOptions: { ca: server.ca },
    retryDelayMs: 1,
    requestTimeoutMs: 2_000,
    pollMs: 1,
    owner: anOwner,
  });
const requests = () => server.requests.slice(seen);

/** One list answers by its page (counted from 0), all others are empty. */
function answerList(type: string, pages: (page: number) => ScriptedAnswer): void {
  let page = -1;
  server.answer = ({ path }) => {
    if (!path.includes(`/${type}?`)) {
      return { status: 200, body: { value: [] } };
    }
    page += 1;
    return pages(page);
  };
}

async function failureOf(doing: Promise<unknown>): Promise<unknown> {
  return await doing.then(
    () => "no failure",
    (error: unknown) => error,
  );
}

const denied = { status: 403, body: { error: { code: "AuthorizationFailed", message: "no" } } };
const missing = (code: string) => ({
  status: 404,
  body: { error: { code, message: "not there" } },
});

describe("the survey of a subscription", () => {
  it("asks once for each of six lists when each fits on a page: none for firewalls where no network has one", async () => {
    server.answer = () => ({ status: 200, body: { value: [] } });

    const found = await connect().survey(subscription);

    expect([found?.machines.size, found?.gates.size]).toEqual([0, 0]);
    expect(requests()).toHaveLength(6);
  });

  it.each(types)(
    "fails as a whole when %s may not be read: none is not the same as unknown",
    async (type) => {
      answerList(type, () => denied);

      await expect(connect().survey(subscription)).rejects.toMatchObject({
        name: "ArmError",
        status: 403,
        code: "AuthorizationFailed",
      });
    },
  );

  it.each(types)("fails as a whole when %s breaks off half-way", async (type) => {
    const nextLink = `${server.url}/subscriptions/x/${type}?api-version=1&$skiptoken=2`;
    answerList(type, (page) =>
      page === 0 ? { status: 200, body: { value: [], nextLink } } : { status: 501 },
    );

    await expect(connect().survey(subscription)).rejects.toMatchObject({ status: 501 });
  });

  it("reads on after a passing fault in the middle of a list", async () => {
    const nextLink = `${server.url}/networkSecurityGroups?api-version=1&$skiptoken=2`;
    const answers: ScriptedAnswer[] = [
      { status: 200, body: { value: [gate("one")], nextLink } },
      { status: 503 },
      "drop",
      { status: 200, body: { value: [gate("two")], nextLink: "" } },
    ];
    answerList("networkSecurityGroups", (page) => answers[page] ?? "drop");

    const found = await connect().survey(subscription);

    expect([...(found?.gates.values() ?? [])].map(({ etag }) => etag)).toEqual([
      'W/"one"',
      'W/"two"',
    ]);
  });

  it("is none only where Azure says that there is no such subscription", async () => {
    server.answer = () => missing("SubscriptionNotFound");
    expect(await connect().survey(subscription)).toBeUndefined();

    server.answer = () => missing("NotFound");
    await expect(connect().survey(subscription)).rejects.toMatchObject({ status: 404 });
  });

  it.each([
    { case: "another host", link: () => `${elsewhere.url}/more` },
    { case: "a connection that can be overheard", link: () => server.url.replace("https", "http") },
    { case: "nowhere", link: () => "https://" },
  ])("never follows a list to $case: the token would go there", async ({ link }) => {
    answerList("virtualMachines", () => ({ status: 200, body: { value: [], nextLink: link() } }));

    await expect(connect().survey(subscription)).rejects.toThrow("next page would be elsewhere");
    expect(elsewhere.requests).toEqual([]);
  });

  it("ends when the pages of a list lead in a circle", async () => {
    const nextLink = `${server.url}/virtualMachines?api-version=1`;
    answerList("virtualMachines", () => ({ status: 200, body: { value: [], nextLink } }));

    await expect(connect().survey(subscription)).rejects.toThrow("in a circle");
  });

  it.each([
    { case: "a page of a proxy", body: "<html>" },
    { case: "no list", body: { value: null } },
    { case: "an item without id", body: { value: [{ name: "vm" }] } },
  ])("fails, naming the list, over $case", async ({ body }) => {
    answerList("virtualMachines", () => ({ status: 200, body }));

    await expect(connect().survey(subscription)).rejects.toThrow(
      `Microsoft.Compute/virtualMachines of subscription ${subscription} cannot be listed`,
    );
  });

  it("leaves a gate out that it cannot understand, and keeps the others", async () => {
    const odd = gate("odd", { securityRules: [{ name: "rule", properties: { access: "Maybe" } }] });
    answerList("networkSecurityGroups", () => ({
      status: 200,
      body: { value: [odd, gate("fine", { provisioningState: "Updating", unknown: 1 })] },
    }));

    const found = await connect().survey(subscription);

    expect([...(found?.gates.values() ?? [])]).toEqual([
      {
        gate: { id: gate("fine").id, rules: [] },
        etag: 'W/"fine"',
        isUpdating: true,
        raw: gate("fine", { provisioningState: "Updating", unknown: 1 }),
      },
    ]);
  });

  it("cannot be led elsewhere by the id", async () => {
    await expect(connect().survey("../../evil")).rejects.toThrow();
    expect(requests()).toEqual([]);
  });

  it("never shows our token in a fault", async () => {
    server.answer = () => "drop";

    const fault = await failureOf(connect().survey(subscription));

    expect(fault).toMatchObject({ name: "ArmError" });
    expect(inspect(fault, { depth: 20, showHidden: true })).not.toContain(token);
  });
});

describe("the subscriptions of the service", () => {
  const one = (digit: string, state: string) => ({
    subscriptionId: `${digit.repeat(8)}-aaaa-4AAA-8aaa-AAAAAAAAAAAA`,
    state,
  });

  it("are those in use, over all pages, with lower-case ids", async () => {
    const first = ["Enabled", "Disabled", "warned"].map((state, index) => one(`${index}`, state));
    const second = ["PastDue", "Deleted"].map((state, index) => one(`${index + 3}`, state));
    server.answer = ({ path }) =>
      path.includes("skiptoken")
        ? { status: 200, body: { value: second } }
        : {
            status: 200,
            body: { value: first, nextLink: `${server.url}/subscriptions?$skiptoken=1` },
          };

    expect(await connect().subscriptions()).toEqual(
      ["0", "2", "3"].map((digit) => one(digit, "").subscriptionId.toLowerCase()),
    );
  });

  it("are unknown, not none, when they may not be listed", async () => {
    server.answer = () => denied;

    await expect(connect().subscriptions()).rejects.toMatchObject({ status: 403 });
  });
});
