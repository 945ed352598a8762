import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { idAttacks, sourceAttacks } from "./support/address-attacks.ts";
import { Arena, type Attack } from "./support/arena.ts";
import { bodyAttacks, breaks, filterAttacks, headerAttacks } from "./support/content-attacks.ts";
import { identityAttacks } from "./support/identity-attacks.ts";
import { stateOf } from "./support/state.ts";
import { until } from "./user.ts";

let arena: Arena;
let before: Awaited<ReturnType<typeof stateOf>>;

/** What was done: the refusals of known callers have to be found in the activity. */
const done: Attack[] = [];

beforeAll(async () => {
  arena = await Arena.open();
  before = await stateOf(arena.user);
}, 60_000);

afterAll(async () => {
  await arena?.close();
}, 30_000);

async function expectRefused(attack: Attack): Promise<void> {
  const answer = await attack.call(arena);

  done.push(attack);
  expect([answer.status, answer.body?.error?.code]).toEqual([attack.status, attack.code]);
  expect(answer.body.error.message).toContain(attack.says ?? "");
  expect(answer.text).not.toMatch(/\bat .*\.(ts|cjs|js):\d+|node_modules|eyJ/);
  expect(Object.keys(answer.headers)).toEqual(
    expect.arrayContaining(["content-security-policy", "x-ms-request-id", "cache-control"]),
  );
  expect(Object.keys(answer.headers).filter((name) => /evil|cookie|^server$/.test(name))).toEqual(
    [],
  );
}

describe("an attack is refused: ", () => {
  describe("an identity that is none", () => {
    it.each(identityAttacks)("$case", expectRefused);

    it("and nobody asked the attacker's key server", () => {
      expect(arena.asked).toEqual([]);
    });
  });

  describe("an address that is not the caller's", () => {
    it.each(sourceAttacks)("$case", expectRefused);
  });

  describe("an id that means something else", () => {
    it.each(idAttacks)("$case", expectRefused);
  });

  describe("OData where a value is expected", () => {
    it.each(filterAttacks)("$case", expectRefused);

    it("and a filter for a VM's name finds the facts of that VM alone, which are those of attacks", async () => {
      const vm = encodeURIComponent(arena.user.vm("x'or'1'eq'1"));

      const { status, body } = await arena.as("olivia", { path: `/api/activity?vm=${vm}` });

      expect([status, body.value]).toEqual([200, []]);
    });
  });

  describe("a body that is made to harm", () => {
    it.each(bodyAttacks)("$case", expectRefused);
  });

  describe("what would come back in headers", () => {
    it.each(headerAttacks)("$case", expectRefused);

    it("and a nextLink tells line breaks as they may stand in an address", async () => {
      const path = `/api/activity?subscriptionId=${arena.user.subscriptionId}&top=1&api-version=${breaks}`;

      const { body, headers: told } = await arena.as("olivia", { path });

      expect(body.nextLink).toMatch(/^https:\/\/localhost:\d+\/api\/activity\?[!-~]+$/);
      expect(told["set-cookie"]).toBeUndefined();
    });

    it("and ids that are none do not come back", async () => {
      const { headers: told } = await arena.as("olivia", {
        path: arena.strict(),
        headers: {
          "x-ms-client-request-id": "evil\tid",
          "x-ms-return-client-request-id": "true",
          "x-ms-correlation-request-id": "<evil>",
        },
      });

      expect(JSON.stringify(told)).not.toContain("evil");
    });

    it("and a header with a bare line break, or a second length, does not get in at all", async () => {
      const start = `GET ${arena.strict()} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n`;

      for (const bad of [
        "X-A: b\nset-cookie: evil=1\n",
        "Content-Length: 0\r\nContent-Length: 9\r\n",
      ]) {
        expect(await arena.client.write(`${start}${bad}\r\n`)).toMatch(/^HTTP\/1\.1 40[01] /);
      }
    });
  });
});

describe("after all these attacks", () => {
  it("everything is as it was, and each refusal of a known caller is in the activity", async () => {
    const after = await stateOf(arena.user);
    const told = after.refusals.flatMap(({ reasons = [] }) =>
      reasons.slice(0, 1).map(({ code }) => code),
    );
    const expected = done.filter(({ isAudited }) => isAudited).map(({ code }) => code);

    expect(after.things).toEqual(before.things);
    expect(told.toSorted()).toEqual(expected.toSorted());
    expect(after.strangers.length).toBeGreaterThan(0);
    expect(after.strangers.filter(({ actor }) => actor !== undefined)).toEqual([]);
  });

  it("what exists cannot be told from what does not by whoever may read neither", async () => {
    const answers = await Promise.all(
      ["strict", "nowhere"].map(async (name) => {
        const { status, text } = await arena.as("eve", { path: arena.user.policy(name) });
        return [status, text.replaceAll(name, "…")];
      }),
    );
    const unknown = await Promise.all([
      arena.client.call({ path: "/nowhere" }),
      arena.as("eve", { path: "/nowhere" }),
    ]);

    expect(answers[0]).toEqual(answers[1]);
    expect(unknown.map(({ status }) => status)).toEqual([404, 404]);
    expect(unknown[0]?.text).toBe(unknown[1]?.text);
  });

  it("an honest request opens as ever", async () => {
    const { user } = arena;

    expect((await user.ask("alice", "strict", "vm-linux", 60)).status).toBe(202);
    const statuses = await until(
      () => user.statuses("strict"),
      ([status]) => status !== "Initiating",
    );
    expect(statuses).toEqual(["Initiated"]);
  });

  it("the log has a line of each call with its id and time, tells what its other lines belong to, and holds neither token nor fault", async () => {
    const { headers: told } = await arena.as("olivia", { path: arena.strict() });

    // The host writes it through another process, which may be a moment behind.
    const log = await until(
      () => readFile(join(arena.system.dir, "data/host.log"), "utf8"),
      (text) => text.includes(String(told["x-ms-request-id"])),
    );
    const lines = log.split("\n");
    const line = lines.find((one) => one.includes(String(told["x-ms-request-id"])));
    expect(line).toMatch(/"time":"\d{4}-\d\d-\d\dT.*"event":"http\.answered"/);
    const written = lines.filter((one) => one.includes('"gate.written"'));
    // By the PUT of the policy, and by the opening of the window.
    expect(written[0]).toMatch(/"requestId":"[0-9a-f-]{36}"/);
    expect(written.at(-1)).toMatch(
      /"run":"openWindows","runId":"[0-9a-f-]{36}","accessRequestId":"/,
    );
    expect(log).not.toMatch(/eyJ|http\.unforeseen|"status":5\d\d/);
  });
});
