import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type HostChild, startChild } from "./support/start-child.ts";

let host: HostChild;
beforeAll(async () => {
  host = await startChild({ fixture: "timers" });
});
afterAll(async () => {
  await host.stop();
});

const run = (name: string, init: RequestInit = {}) =>
  fetch(`${host.httpUrl}/admin/functions/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"input":""}',
    ...init,
  });

describe("a timer function", () => {
  it("runs at once when the admin route is asked to, which answers without waiting for its end", async () => {
    const before = host.told.length;

    const answer = await run("tick");
    const told = await untilTold(before);

    expect(answer.status).toBe(202);
    expect(told).toEqual(["tick"]);
  });

  it("is logged when it fails there", async () => {
    const answer = await run("failingTick");
    await untilLogged();

    expect(answer.status).toBe(202);
    expect(host.logs.filter(({ level }) => level === "error")).toEqual([
      { level: "error", message: expect.stringContaining("failingTick failed: Error: no network") },
    ]);
  });
});

describe("the admin route", () => {
  it.each([
    ["no function has that name", "nobody", {}, 404],
    ["the function is no timer", "echo", {}, 404],
    ["the name makes no text", "%E0%A4%A", {}, 404],
    ["the body is a web page's form", "tick", { headers: { "content-type": "text/plain" } }, 415],
    ["it is only looked at", "tick", { method: "GET", body: null }, 404],
  ])("runs nothing when %s", async (_case, name, init: RequestInit, status) => {
    const before = host.told.length;

    const answer = await run(name, init);

    expect(answer.status).toBe(status);
    expect(host.told).toHaveLength(before);
  });
});

async function untilTold(before: number): Promise<readonly string[]> {
  while (host.told.length === before) await new Promise((resolve) => setTimeout(resolve, 10));
  return host.told.slice(before);
}

async function untilLogged(): Promise<void> {
  while (!host.logs.some(({ level }) => level === "error")) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
