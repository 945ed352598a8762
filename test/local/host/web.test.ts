import { Agent, request as httpRequest } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type HostChild, startChild } from "./support/start-child.ts";

let host: HostChild;
beforeAll(async () => {
  host = await startChild({ fixture: "web", settings: { GREETING: "hello" } });
});
afterAll(async () => {
  await host.stop();
});

const call = (path: string, init?: RequestInit) => fetch(`${host.httpUrl}/api/${path}`, init);
const told = async (path: string, init?: RequestInit) => await (await call(path, init)).json();

describe("a request, as a function sees it", () => {
  it("has its method, URL, parameters, query and body", async () => {
    const body = JSON.stringify({ ports: [22] });

    const seen = await told("echo/a/b?x=1&x=2&empty=&q=a+b%26c", { method: "PUT", body });

    expect(seen).toMatchObject({
      method: "PUT",
      url: `${host.httpUrl}/api/echo/a/b?x=1&x=2&empty=&q=a+b%26c`,
      params: { rest: "a/b" },
      query: { x: "1,2", empty: "", q: "a b&c" },
      body,
      functionName: "echo",
      triggerMetadata: null,
    });
  });

  it("has its headers in lower case, but none that are empty", async () => {
    const headers = { "X-Request-Id": "7", "x-empty": "", authorization: "Bearer t" };

    const seen = (await told("echo", { headers })) as { headers: Record<string, string> };

    expect(seen.headers).toMatchObject({ "x-request-id": "7", authorization: "Bearer t" });
    expect(seen.headers).not.toHaveProperty("x-empty");
  });

  it("cannot claim a signed-in user", async () => {
    const principal = Buffer.from('{"claims":[]}').toString("base64");
    const headers = { "X-MS-CLIENT-PRINCIPAL": principal, "x-ms-client-principal-id": "olivia" };

    const seen = (await told("echo", { headers })) as { headers: object; user: unknown };

    expect(seen.user).toBeNull();
    expect(Object.keys(seen.headers).join()).not.toContain("principal");
  });

  it("names the caller's address and port last, after what the caller claims", async () => {
    const headers = { "x-forwarded-for": "203.0.113.7" };

    const seen = (await told("echo", { headers })) as { headers: Record<string, string> };

    expect(seen.headers["x-forwarded-for"]).toMatch(/^203\.0\.113\.7, (127\.0\.0\.1|\[::1\]):\d+$/);
  });

  it("keeps bytes and forms intact", async () => {
    const bytes = Uint8Array.from([0, 255, 10, 13, 128]);
    const form = new FormData();
    form.set("name", "vm é");

    const reversed = await call("bytes", { method: "POST", body: bytes });

    expect(new Uint8Array(await reversed.arrayBuffer())).toEqual(bytes.reverse());
    expect(await told("forms", { method: "POST", body: form })).toEqual({ name: "vm é" });
  });

  it("does not let a path of two slashes name another host", async () => {
    const answer = await raw("GET //evil.example/api/both HTTP/1.1\r\nHost: localhost\r\n");

    expect(answer).toMatch(/^HTTP\/1.1 404/);
  });

  it("is refused when its Host makes no URL", async () => {
    const answer = await raw("GET /api/both HTTP/1.1\r\nHost: a b\r\n");

    expect(answer).toMatch(/^HTTP\/1.1 400/);
  });

  it("is refused when its body is larger than 100 MB", async () => {
    const answer = await raw(
      "POST /api/bytes HTTP/1.1\r\nHost: localhost\r\nContent-Length: 104857601\r\n",
    );

    expect(answer).toMatch(/^HTTP\/1.1 413/);
  });
});

describe("an answer", () => {
  it("has the function's status, headers and body, and a length of the server's own", async () => {
    const answer = await call("bytes", { method: "POST", body: "abcd" });

    expect(answer.status).toBe(201);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "application/octet-stream",
      "x-own": "1",
      "content-length": "4",
    });
  });

  it("carries all cookies with their attributes", async () => {
    const answer = await call("cookies");

    expect(answer.headers.getSetCookie()).toEqual([
      "a=1%202; Max-Age=60; HttpOnly; Secure; SameSite=Lax",
      "b=x; Domain=d.example; Path=/p; Expires=Fri, 02 Jan 1970 00:00:00 GMT",
    ]);
  });

  it.each([
    ["nothing is returned", "nothing", 204],
    ["nothing has changed", "notModified", 304],
    ["the function throws", "throws", 500],
    ["the function throws undefined", "throwsNothing", 500],
    ["the function returns what is no answer", "notAResponse", 500],
    ["there is no such route", "nowhere", 404],
  ])("has no body when %s", async (_case, path, status) => {
    const answer = await call(path);

    expect([answer.status, await answer.text()]).toEqual([status, ""]);
  });

  it("keeps an error's detail in the log", async () => {
    await call("throws");

    expect(host.logs).toContainEqual({
      level: "error",
      message: expect.stringContaining("throws failed: Error: a detail nobody outside may see"),
    });
  });

  it("to HEAD is the length alone", async () => {
    const answer = await call("both", { method: "HEAD" });

    expect(answer.headers.get("content-length")).toBe("5");
    expect(await answer.text()).toBe("");
  });
});

describe("routing", () => {
  it.each([
    ["a literal before a parameter", "things/list", { name: "literal", params: {} }],
    [
      "a constrained parameter before a free one",
      "things/5",
      { name: "number", params: { id: "5" } },
    ],
    ["a free one before a catch-all", "things/x", { name: "free", params: { name: "x" } }],
    ["a catch-all at last", "things/x/y", { name: "anything", params: { rest: "x/y" } }],
    ["any case", "THINGS/List", { name: "literal", params: {} }],
    ["the name where there is no route", "withoutRoute", { name: "withoutRoute", params: {} }],
    ["an optional parameter", "optional", { name: "optional", params: {} }],
  ])("takes %s", async (_case, path, expected) => {
    expect(await told(path)).toEqual(expected);
  });

  it("tells functions of one route apart by method", async () => {
    expect(await told("things/list", { method: "POST" })).toMatchObject({ name: "literalPost" });
  });

  it("answers 404 to a method that no function of the route takes, to HEAD too", async () => {
    const statuses = await Promise.all(
      ["DELETE", "HEAD"].map(async (method) => (await call("things/list", { method })).status),
    );

    expect(statuses).toEqual([404, 404]);
  });
});

describe("keys", () => {
  it.each([
    ["no key", () => ({}), [401, 401]],
    ["a wrong key", () => ({ "x-functions-key": "wrong" }), [401, 401]],
    ["the host key", () => ({ "x-functions-key": host.hostKey }), [200, 401]],
    ["the master key", () => ({ "x-functions-key": host.masterKey }), [200, 200]],
  ])("open functions by level: %s", async (_case, headers, expected) => {
    const answers = await Promise.all(
      ["keyed", "masterOnly"].map((path) => call(path, { headers: headers() })),
    );

    expect(answers.map((answer) => answer.status)).toEqual(expected);
  });

  it("may come in the query", async () => {
    expect((await call(`keyed?code=${host.hostKey}`)).status).toBe(200);
  });

  it("are not asked for when the host is told so", async () => {
    const open = await startChild({ fixture: "web", requireKeys: false });

    const answer = await fetch(`${open.httpUrl}/api/masterOnly`);

    expect(answer.status).toBe(200);
    await open.stop();
  });
});

describe("hooks", () => {
  it("may replace what a function gets and what it gave, and share data", async () => {
    expect(await told("hooked")).toEqual({
      input: { replaced: true },
      told: ["appStart with a host name"],
      note: "from before",
    });
  });

  it("may turn a failure into an answer", async () => {
    expect((await call("forgiven")).status).toBe(299);
  });

  it("may rewrite level and text of a log line", async () => {
    await call("logs");

    expect(host.logs).toEqual(
      expect.arrayContaining([
        { level: "information", message: "logs: my ****** is { a: 1 }" },
        { level: "warning", message: "logs: raise this" },
        { level: "error", message: "logs: an error" },
      ]),
    );
  });

  it("cannot register functions any more", async () => {
    expect((await call("late")).status).toBe(500);
    expect((await call("tooLate")).status).toBe(404);
  });
});

describe("a stop", () => {
  it("lets the running request finish, runs the appTerminate hooks and ends the process", async () => {
    const stopping = await startChild({ fixture: "web", settings: { GREETING: "bye" } });
    const agent = new Agent({ keepAlive: true });
    const slow = get(`${stopping.httpUrl}/api/slow`, agent);
    while (!stopping.logs.some(({ message }) => message.includes("slow has begun"))) {
      await new Promise((resolve) => setImmediate(resolve));
    }

    const stopped = stopping.stop();

    expect(await slow).toBe("done after all");
    expect(await stopped).toEqual({ exitCode: 0 });
    expect(stopping.told).toEqual(["appTerminate after bye"]);
    await expect(fetch(stopping.httpUrl)).rejects.toThrow();
    agent.destroy();
  });
});

function get(url: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { agent }, (response) => resolve(text(response)))
      .once("error", reject)
      .end();
  });
}

/** Sends a request as written, the last empty line added, and reads until the server closes. */
async function raw(head: string): Promise<string> {
  const socket = connect(Number(new URL(host.httpUrl).port), "127.0.0.1");
  socket.write(`${head}Connection: close\r\n\r\n`);
  return await text(socket);
}
