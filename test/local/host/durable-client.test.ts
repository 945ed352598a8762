import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type HostChild, startChild } from "./support/start-child.ts";

const settings = { TICK: "0 */10 * * * *", HTTP_PROXY: "http://127.0.0.1:9" };
let host: HostChild;
beforeAll(async () => {
  host = await startChild({ fixture: "durable", withDurable: true, settings });
});
afterAll(async () => {
  await host.stop();
});

const calls = async () => (await host.ask("durableCalls")) as Record<string, unknown>[];

describe("a function with a durable client", () => {
  it("reaches the engine through the host, past any proxy", async () => {
    const answer = await fetch(`${host.httpUrl}/api/start/i-1`, {
      method: "POST",
      body: JSON.stringify({ vm: "linux-1" }),
    });

    expect(answer.status).toBe(200);
    expect(await calls()).toContainEqual({
      method: "POST",
      path: "orchestrators/story/i-1",
      query: {},
      body: '{"vm":"linux-1"}',
      baseUrl: `${host.httpUrl}/runtime/webhooks/durabletask`,
    });
    const { links } = (await answer.json()) as { links: { statusQueryGetUri: string } };
    expect(links.statusQueryGetUri).toContain(
      `${host.httpUrl}/runtime/webhooks/durabletask/instances/i-1?code=`,
    );
  });

  it("may be run by a timer", async () => {
    await host.ask("runNow", ["sweep"]);

    expect(await calls()).toContainEqual(
      expect.objectContaining({ path: "instances/gate-1/raiseEvent/Tidy", body: '{"at":5}' }),
    );
  });

  it("starts the engine once, with all functions known", async () => {
    expect((await calls())[0]).toEqual({ start: ["story", "greet", "start", "sweep", "tick"] });
  });
});

describe("the durable management API", () => {
  const managed = (query: string, path = "instances/i-1") =>
    fetch(`${host.httpUrl}/runtime/webhooks/durabletask/${path}?${query}`);

  it("asks outside callers for a key", async () => {
    expect((await managed("")).status).toBe(401);
    expect((await managed("code=wrong")).status).toBe(401);
  });

  it("answers who has the key of its links", async () => {
    const started = await fetch(`${host.httpUrl}/api/start/i-2`, { method: "POST", body: "{}" });
    const { links } = (await started.json()) as { links: { statusQueryGetUri: string } };

    const answer = await fetch(links.statusQueryGetUri);

    expect(answer.status).toBe(202);
    expect(answer.headers.get("retry-after")).toBe("10");
    expect(answer.headers.get("content-type")).toContain("application/json");
    expect(await answer.json()).toEqual({ id: "i-2" });
  });

  it("hides what goes wrong inside of the engine", async () => {
    const answer = await managed(`code=${host.masterKey}`, "broken");

    expect([answer.status, await answer.text()]).toEqual([500, ""]);
    expect(host.logs).toContainEqual(
      expect.objectContaining({ level: "error", message: expect.stringContaining("engine broke") }),
    );
  });
});

describe("timers and activities of a running app", () => {
  it("follow the clock of the host", async () => {
    await host.ask("advanceBy", 25 * 60_000);

    const ticks = host.logs.filter(({ message }) => message.startsWith("tick: tick"));
    expect(ticks).toHaveLength(2);
    // The library hands the timer over in camel case.
    expect(ticks[0]?.message).toContain('"scheduleStatus":{"last":"0001-01-01T00:00:00+00:00"');
  });

  it("hand a failure to whoever runs them", async () => {
    await expect(host.ask("runNow", ["tick", { pastDue: true }])).rejects.toThrow("too late");
  });

  it("answer an activity's result as the worker would", async () => {
    const bindingName = "input";
    const request = { inputData: [{ name: bindingName, data: { string: '{"name":"olivia"}' } }] };
    await expect(host.ask("invoke", ["greet", request])).rejects.toThrow("Failed to find binding");
    await expect(host.ask("invoke", ["nobody", request])).rejects.toThrow("no function named");
  });
});

describe("a stop", () => {
  it("stops the engine too", async () => {
    const stopping = await startChild({ fixture: "durable", withDurable: true, settings });

    expect(await stopping.stop()).toEqual({ exitCode: 0 });
    expect(stopping.told).toEqual(["engine stopped"]);
  });
});
