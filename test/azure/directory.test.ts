import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { createDirectory, noDirectory } from "../../src/azure/directory.ts";
import type { Principal } from "../../src/caller/caller.ts";
import { createFixedClock } from "../support/fixed-clock.ts";
import {
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from "../support/scripted-server.ts";
import { createStaticCredential } from "../support/static-credential.ts";

const alice: Principal = {
  tenantId: "0c9d6a1f-84b7-4f0e-b3c5-2e6a9d71f840",
  objectId: "2c65348d-7137-5b97-b703-8ec989ced599",
  kind: "user",
};
const ids = (count: number) =>
  Array.from(
    { length: count },
    (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`,
  );
const account = (accountEnabled?: boolean): ScriptedAnswer => ({
  status: 200,
  body: { id: alice.objectId, accountEnabled },
});

let server: ScriptedServer;
let seen: number;
beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.close());
beforeEach(() => {
  seen = server.requests.length;
});
const requests = () => server.requests.slice(seen);

function someDirectory() {
  const clock = createFixedClock("2026-11-22T12:00:00Z");
  const credential = createStaticCredential("secret-token");
  const directory = createDirectory({
    credential,
    endpoint: `${server.url}/somewhere/`,
    scope: "https://graph.microsoft.com/.default",
    tlsOptions: { ca: server.ca },
    retryDelayMs: 1,
    clock,
    cacheSeconds: 3_600,
  });
  return { directory, clock, credential };
}

describe("accounts in Microsoft Graph", () => {
  it("are asked for as our own identity, with the property that Graph leaves out by itself", async () => {
    server.answer = () => account(true);
    const { directory, credential } = someDirectory();

    expect(await directory.isEnabled(alice)).toBe(true);
    expect(requests().map(({ path }) => path)).toEqual([
      `/somewhere/v1.0/users/${alice.objectId}?$select=id,accountEnabled`,
    ]);
    expect(credential.scopes[0]).toBe("https://graph.microsoft.com/.default");
  });

  it.each([
    ["disabled", account(false)],
    ["shown without saying so", account()],
    ["gone", { status: 404, body: {} }],
  ] satisfies [string, ScriptedAnswer][])("are not enabled when %s", async (_case, answer) => {
    server.answer = () => answer;

    expect(await someDirectory().directory.isEnabled(alice)).toBe(false);
  });

  it.each([
    ["user", ["users"]],
    ["application", ["servicePrincipals"]],
    [undefined, ["users", "servicePrincipals"]],
  ] as const)("of kind %s are looked for among %s", async (kind, collections) => {
    server.answer = () => ({ status: 404, body: {} });

    await someDirectory().directory.isEnabled({ ...alice, kind });

    expect(requests().map(({ path }) => path.split("/")[3])).toEqual(collections);
  });

  it("are a minute old at most, and new for who asks for fresh ones", async () => {
    server.answer = () => account(true);
    const { directory, clock } = someDirectory();

    await Promise.all([directory.isEnabled(alice), directory.isEnabled(alice)]);
    clock.advance(59_999);
    await directory.isEnabled(alice);
    expect(requests()).toHaveLength(1);

    server.answer = () => account(false);
    expect(await directory.isEnabled(alice, { fresh: true })).toBe(false);
    expect(await directory.isEnabled(alice)).toBe(false);
    clock.advance(60_000);
    await directory.isEnabled(alice);
    expect(requests()).toHaveLength(3);
  });

  it("are asked about again when the answer took too long to be believed", async () => {
    const { directory, clock } = someDirectory();
    let slow = 1;
    server.answer = () => {
      clock.advance(slow > 0 ? 60_000 : 0);
      slow -= 1;
      return account(slow < 0);
    };

    expect(await directory.isEnabled(alice)).toBe(true);
    expect(requests()).toHaveLength(2);
  });

  it("are not made up when Graph refuses or fails; the fault holds no token, and the next asks again", async () => {
    const { directory } = someDirectory();
    server.answer = () => ({
      status: 403,
      body: { error: { code: "Authorization_RequestDenied" } },
    });
    const fault = await directory.isEnabled(alice).catch((error: unknown) => error);

    expect(fault).toMatchObject({ name: "ArmError", status: 403 });
    expect(JSON.stringify([fault, String((fault as Error).stack)])).not.toContain("secret-token");
    server.answer = () => account(true);
    expect(await directory.isEnabled(alice)).toBe(true);
  });

  it("are not asked for an id that could change the question", async () => {
    const { directory } = someDirectory();
    const mallory = { ...alice, objectId: "../me" };

    await expect(directory.isEnabled(mallory)).rejects.toThrow();
    await expect(directory.groupsOf(mallory, ids(1))).rejects.toThrow();
    expect(requests()).toEqual([]);
  });
});

describe("groups in Microsoft Graph", () => {
  const asked = () =>
    requests().map(({ body }) => (JSON.parse(body) as { groupIds: string[] }).groupIds);

  it("are asked about twenty at a time, each once", async () => {
    const [first = "", ...others] = ids(45);
    server.answer = ({ body }) => {
      const { groupIds } = JSON.parse(body) as { groupIds: string[] };
      return { status: 200, body: { value: groupIds.filter((id) => id === first) } };
    };

    const held = await someDirectory().directory.groupsOf(alice, [first, ...others, first]);

    expect(held).toEqual(new Set([first]));
    expect(asked().map((each) => each.length)).toEqual([20, 20, 5]);
    expect(
      requests().every(
        ({ method, path }) => method === "POST" && path.endsWith("/checkMemberGroups"),
      ),
    ).toBe(true);
  });

  it("are the same question in any order, and a minute old at most", async () => {
    server.answer = () => ({ status: 200, body: { value: [] } });
    const { directory, clock } = someDirectory();

    await directory.groupsOf(alice, ids(3));
    await directory.groupsOf(alice, ids(3).toReversed());
    expect(requests()).toHaveLength(1);
    await directory.groupsOf(alice, ids(3), { fresh: true });
    clock.advance(60_000);
    await directory.groupsOf(alice, ids(3));
    expect(requests()).toHaveLength(3);
  });

  it("are none that were not asked about, whatever Graph answers", async () => {
    server.answer = () => ({ status: 200, body: { value: ids(2) } });

    expect(await someDirectory().directory.groupsOf(alice, ids(1))).toEqual(new Set(ids(1)));
  });

  it("are asked about again when Graph is busy: asking changes nothing", async () => {
    let busy = 2;
    server.answer = () => {
      busy -= 1;
      return busy < 0
        ? { status: 200, body: { value: ids(1) } }
        : { status: busy === 0 ? 429 : 504, body: {} };
    };

    expect(await someDirectory().directory.groupsOf(alice, ids(1))).toEqual(new Set(ids(1)));
    expect(requests()).toHaveLength(3);
  });

  it("of somebody unknown are none", async () => {
    server.answer = () => ({ status: 404, body: {} });

    expect(await someDirectory().directory.groupsOf(alice, ids(1))).toEqual(new Set());
  });
});

describe("a directory that is off", () => {
  it("takes every account for enabled and in no group", async () => {
    expect(await noDirectory.isEnabled(alice)).toBe(true);
    expect(await noDirectory.groupsOf(alice, ids(3))).toEqual(new Set());
  });
});
