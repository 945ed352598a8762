import { setTimeout as pauseFor } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { RunningSystem } from "../support/running-system.ts";
import { User, until } from "./user.ts";

// The whole system with its real processes, Microsoft Graph's stand-in and a group of approvers included.
let system: RunningSystem;
let user: User;

const approvers = "bfb51f14-d783-5626-b1df-cb6a46084004";
const accessRules = {
  approval: { approvers: { groups: [approvers] }, answerWithin: "PT5M" },
  breakGlass: { people: ["6bc31f93-3ac9-530b-b918-07adcacdf949"] },
};

beforeAll(async () => {
  system = await RunningSystem.start({ timing: { nsgWriteMs: 300 }, history: "memory" });
  user = new User(system);
  const port = {
    number: 22,
    protocol: "TCP",
    allowedSourceAddressPrefix: "*",
    maxRequestAccessDuration: "PT3H",
  };
  const virtualMachines = [{ id: user.vm("vm-linux"), ports: [port] }];
  const properties = { virtualMachines, accessRules };
  const { status } = await user.call("sam", "PUT", user.policy("life"), { properties });
  expect(status).toBe(200);
}, 60_000);

afterAll(async () => {
  await system?.stop();
}, 30_000);

const state = async (id: string) => (await user.request(id)).state as string;
const reached = (id: string, wanted: string) =>
  until(
    () => state(id),
    (seen) => seen === wanted,
  );
const allows = async () => (await user.ownRules("nsg-linux")).allow.length;
const asked = async (person: string): Promise<string> =>
  (await user.ask(person, "life", "vm-linux", 600)).body.id;

describe("a request's life in the running system", () => {
  it("is approved by somebody on call, extended while the port stays open, and ended within seconds", async () => {
    const id = await asked("alice");
    await user.act("dan", id, "approve", { comment: "go ahead" });
    // Where to connect follows right after.
    const seen = await until(
      () => user.request(id, "alice"),
      ({ state: now, windows }) => now === "open" && windows[0].connection !== undefined,
    );
    const longer = (await user.act("alice", id, "extend", { duration: "PT20M" })).body.id;
    let isWatching = true;
    const counts = (async () => {
      const all: number[] = [];
      while (isWatching) {
        all.push(await allows());
        await pauseFor(20);
      }
      return all;
    })();
    await user.act("bob", longer, "approve");
    await reached(longer, "open");
    await reached(id, "closed");
    isWatching = false;
    const watched = await counts;
    await user.act("alice", longer, "revoke");
    const revokedAt = performance.now();
    await reached(longer, "closed");
    const tookMs = performance.now() - revokedAt;

    expect(seen.windows[0].connection).toEqual({
      address: "192.0.2.10",
      port: 22,
      command: "ssh 192.0.2.10",
    });
    expect(watched.length).toBeGreaterThan(5);
    expect(watched).not.toContain(0);
    expect(tookMs).toBeLessThan(10_000);
    expect(await allows()).toBe(0);
  }, 60_000);

  it("stops when the right was taken away while it waited", async () => {
    const id = await asked("alice");
    const scope = `${user.vm("vm-linux")}/providers/Microsoft.Authorization/roleAssignments`;
    const assignment = `${scope}/810b4da2-b486-51da-b9fa-8d04bc75d47d`;
    await user.armDelete(assignment, "2022-04-01");

    await user.act("dan", id, "approve");
    await reached(id, "failed");

    const [window] = (await user.request(id)).windows;
    expect(window.reasons[0].code).toBe("AuthorizationFailed");
    expect(await allows()).toBe(0);
  }, 60_000);

  it("opens at once in an emergency, and is reviewed by another", async () => {
    const { body } = await user.call("bob", "POST", `${user.policy("life")}/initiate`, {
      breakGlass: true,
      justification: "the shop is down",
      virtualMachines: [
        {
          id: user.vm("vm-linux"),
          ports: [{ number: 22, duration: "PT2S", allowedSourceAddressPrefix: "203.0.113.7" }],
        },
      ],
    });
    await reached(body.id, "closed");
    const own = await user.act("bob", body.id, "review");
    const review = await user.act("dan", body.id, "review", { comment: "right so" });

    expect(own.status).toBe(403);
    expect(review.body.review).toMatchObject({ state: "reviewed", comment: "right so" });
  }, 60_000);
});
