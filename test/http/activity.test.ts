import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Fact } from "../../src/activity/fact.ts";
import { aFact, afterNoon, requestId, subscriptionId, vmId } from "../support/builders.ts";
import { createFrontDoor, paths } from "../support/front-door.ts";
import { createWorld, type World } from "../support/world.ts";

describe("the activity", () => {
  let world: World;
  let door: ReturnType<typeof createFrontDoor>;

  beforeEach(async () => {
    world = createWorld();
    door = createFrontDoor(world);
    await world.activity.record([
      aFact({ id: "first", at: afterNoon(-3_600) }),
      aFact({ id: "second", at: afterNoon(-1_800) }),
      aFact({ id: "of-web-2", at: afterNoon(-600), vmId: vmId("web-2") }),
      aFact({ id: "of-nothing", at: afterNoon(-300), vmId: undefined, policyId: undefined }),
      aFact({ id: "long-ago", at: afterNoon(-40 * 86_400) }),
    ]);
  });

  const ask = (query: Record<string, string>, as: "olivia" | "alice" | "eve" = "olivia") =>
    door.call("GET", `${paths.activity}?${new URLSearchParams(query)}`, { as });
  const ids = (reply: { json: { value: readonly Fact[] } }) =>
    reply.json.value.map((fact) => fact.id);

  it("of a VM is listed newest first, thirty days back where no time is named", async () => {
    const reply = await ask({
      vm: vmId().toUpperCase().replace("/SUBSCRIPTIONS", "/subscriptions"),
    });

    expect(reply.status).toBe(200);
    expect(ids(reply)).toEqual(["second", "first"]);
  });

  it("can be asked for a time, in any time zone", async () => {
    const from = "2030-01-31T12:15:00+01:00";
    const reply = await ask({ vm: vmId(), from, to: "2030-01-31T11:45:00Z" });

    expect(ids(reply)).toEqual(["second"]);
  });

  it("comes in pages that lead through all of it exactly once", async () => {
    const first = await ask({ vm: vmId(), top: "1" });
    const second = await door.call("GET", first.json.nextLink);

    expect([ids(first), ids(second)]).toEqual([["second"], ["first"]]);
    expect(new URL(first.json.nextLink).searchParams.get("top")).toBe("1");
    expect(second.json.nextLink).toBeUndefined();
  });

  it("of a subscription shows everybody the facts of the scopes they may read", async () => {
    expect(ids(await ask({ subscriptionId }))).toEqual([
      "of-nothing",
      "of-web-2",
      "second",
      "first",
    ]);
    expect(ids(await ask({ subscriptionId }, "alice"))).toEqual(["second", "first"]);
    expect(ids(await ask({ subscriptionId }, "eve"))).toEqual([]);
  });

  it("of a VM is for those who may read it", async () => {
    expect((await ask({ vm: vmId() }, "alice")).status).toBe(200);

    const reply = await ask({ vm: vmId("web-2") }, "alice");
    expect(reply.status).toBe(403);
    expect(reply.json.error).toMatchObject({ code: "AuthorizationFailed", target: "vm" });
  });

  it.each([
    { case: "nothing that names whose facts", query: { operation: "access.open" }, target: "vm" },
    { case: "a resource group of no subscription", query: { resourceGroup: "shop" }, target: "vm" },
    {
      case: "a resource group that is none",
      query: { subscriptionId, resourceGroup: "a/b" },
      target: "resourceGroup",
    },
    { case: "a requestor by name", query: { requestor: "alice" }, target: "requestor" },
    { case: "a request that is none", query: { requestId: "4711" }, target: "requestId" },
    { case: "a window that is none", query: { windowId: requestId }, target: "windowId" },
    {
      case: "an operation that is none",
      query: { vm: vmId(), operation: "access.open,access.opened" },
      target: "operation",
    },
    { case: "a kind that is none", query: { vm: vmId(), operation: "*" }, target: "operation" },
    { case: "an outcome that is none", query: { vm: vmId(), outcome: "ok" }, target: "outcome" },
    { case: "a text too short to look for", query: { vm: vmId(), text: "no" }, target: "text" },
    {
      case: "a text too long to look for",
      query: { vm: vmId(), text: "x".repeat(101) },
      target: "text",
    },
    { case: "a form that is none", query: { vm: vmId(), format: "xlsx" }, target: "format" },
    { case: "a VM that is none", query: { vm: "web-1" }, target: "vm" },
    {
      case: "a subscription that is none",
      query: { subscriptionId: "x" },
      target: "subscriptionId",
    },
    { case: "no date", query: { vm: vmId(), from: "yesterday" }, target: "from" },
    {
      case: "a date without a zone",
      query: { vm: vmId(), to: "2030-01-31T12:00:00" },
      target: "to",
    },
    {
      case: "a time that ends before it begins",
      query: { vm: vmId(), from: "2030-01-31T12:00:00Z", to: "2030-01-31T11:00:00Z" },
      target: "from",
    },
    {
      case: "an end before the thirty days that are meant without a beginning",
      query: { vm: vmId(), to: "2029-01-31T11:00:00Z" },
      target: "to",
    },
    { case: "a misspelt filter", query: { vm: vmId(), form: "yesterday" }, target: "form" },
    { case: "no facts", query: { vm: vmId(), top: "0" }, target: "top" },
    { case: "too many facts", query: { vm: vmId(), top: "1001" }, target: "top" },
    { case: "a few facts", query: { vm: vmId(), top: "few" }, target: "top" },
    { case: "half a fact", query: { vm: vmId(), top: "1.5" }, target: "top" },
    { case: "a strange page", query: { vm: vmId(), $skiptoken: "nonsense" }, target: "$skiptoken" },
  ])("cannot be asked for $case", async ({ query, target }) => {
    const reply = await ask(query as Record<string, string>);

    expect(reply.status).toBe(400);
    expect(reply.json.error).toMatchObject({ code: "InvalidQuery", target });
  });

  it("says what a page may hold, and which filters there are, to whoever asks for others", async () => {
    const page = await ask({ vm: vmId(), top: "ten" });
    const filter = await ask({ vm: vmId(), port: "22" });

    expect([page, filter].map((reply) => reply.json.error.message)).toEqual([
      "'top' is 'ten': expected a whole number from 1 to 1000",
      "'port' is '22': no such parameter is known; expected vm, subscriptionId, resourceGroup, requestor, requestId, windowId, operation, outcome, text, format, from, to, top",
    ]);
  });
});
