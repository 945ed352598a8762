import { createHmac } from "node:crypto";
import type { LookupAddress } from "node:dns";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { Sent } from "../../src/notify/outbox.ts";
import { createWebhookSender, type SenderOptions } from "../../src/webhooks/sender.ts";
import { noon } from "../support/builders.ts";
import {
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from "../support/scripted-server.ts";
import { createTestCa } from "../support/test-ca.ts";

const secret = "a secret of 16 characters and more";
const message = { id: "0123abcd", event: "opened", body: '{"text":"ä"}' };

describe("the sender of webhooks", () => {
  let server: ScriptedServer;

  beforeAll(async () => {
    server = await startScriptedServer();
  });

  afterAll(() => server?.close());

  beforeEach(() => {
    server.answer = () => ({ status: 202, body: { ok: true } });
  });

  const senderTo = (url: string, values: Partial<SenderOptions> = {}) =>
    createWebhookSender({
      webhooks: [{ name: "ops", url, secret }],
      allowPrivate: true,
      now: () => noon,
      ca: server.ca,
      ...values,
    });
  const send = (url = `${server.url}/hook?sig=hidden`, values: Partial<SenderOptions> = {}) =>
    senderTo(url, values).send("ops", message);
  const answered = async (answer: ScriptedAnswer): Promise<Sent> => {
    server.answer = () => answer;
    return send();
  };

  it("posts the body with event, id and a signature that the receiver can verify", async () => {
    expect(await send()).toEqual({ outcome: "delivered" });

    const request = server.requests.at(-1);
    const [, t, v1] = /^t=(\d+),v1=([\da-f]{64})$/.exec(
      String(request?.headers["x-jit-signature"]),
    ) as string[];
    expect(v1).toBe(
      createHmac("sha256", secret)
        .update(`${t}.${request?.headers["x-jit-delivery"]}.${request?.body}`)
        .digest("hex"),
    );
    expect(Number(t) * 1_000).toBe(noon.getTime());
    expect(request).toMatchObject({ method: "POST", path: "/hook?sig=hidden", body: message.body });
    expect(request?.headers).toMatchObject({
      "content-type": "application/json; charset=utf-8",
      "x-jit-event": "opened",
      "x-jit-delivery": "0123abcd",
    });
  });

  it("signs nothing without a secret", async () => {
    await send(server.url, { webhooks: [{ name: "ops", url: server.url }] });

    expect(server.requests.at(-1)?.headers).not.toHaveProperty("x-jit-signature");
  });

  it.each([
    { status: 200, sent: { outcome: "delivered" } },
    { status: 204, sent: { outcome: "delivered" } },
    { status: 301, sent: { outcome: "failed", detail: "answered 301", isLasting: true } },
    { status: 400, sent: { outcome: "failed", detail: "answered 400", isLasting: true } },
    { status: 404, sent: { outcome: "failed", detail: "answered 404", isLasting: true } },
    { status: 410, sent: { outcome: "failed", detail: "answered 410", isLasting: true } },
    { status: 408, sent: { outcome: "failed", detail: "answered 408", isLasting: false } },
    { status: 429, sent: { outcome: "failed", detail: "answered 429", isLasting: false } },
    { status: 503, sent: { outcome: "failed", detail: "answered 503", isLasting: false } },
  ])("takes $status for $sent.outcome", async ({ status, sent }) => {
    expect(await answered({ status })).toEqual(sent);
  });

  it.each([
    { header: "7", ms: 7_000 },
    { header: new Date(noon.getTime() + 90_000).toUTCString(), ms: 90_000 },
    { header: new Date(noon.getTime() - 90_000).toUTCString(), ms: 0 },
    { header: "999999999", ms: 3_600_000 },
    { header: "soon", ms: undefined },
  ])("understands 'Retry-After: $header'", async ({ header, ms }) => {
    const sent = await answered({ status: 429, headers: { "retry-after": header } });

    expect(sent).toMatchObject({ retryAfterMs: ms });
  });

  it("follows no redirect", async () => {
    const before = server.requests.length;

    await answered({ status: 307, headers: { location: `${server.url}/elsewhere` } });

    expect(server.requests.length).toBe(before + 1);
  });

  it("gives up waiting for an answer in time, and is not stopped by a cut connection", async () => {
    server.answer = () => "hang";
    expect(await send(server.url, { timeoutMs: 50 })).toEqual({
      outcome: "failed",
      detail: "did not answer in time",
      isLasting: false,
    });

    expect(await answered("drop")).toEqual({
      outcome: "failed",
      detail: "could not be reached (ECONNRESET)",
      isLasting: false,
    });
  });

  it("throws an answer away, however long it is", async () => {
    expect(await answered({ status: 200, body: "x".repeat(5_000_000) })).toEqual({
      outcome: "delivered",
    });
  });

  it("refuses a certificate that nobody it trusts has signed, whatever the environment says", async () => {
    const { ca } = await createTestCa();
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    try {
      const sent = await send(server.url, { ca });

      expect(sent).toMatchObject({ outcome: "failed", isLasting: true });
      expect(server.requests.at(-1)?.path).not.toBe("/");
    } finally {
      delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    }
  });

  const port = () => new URL(server.url).port;
  const refused = {
    outcome: "failed",
    detail: "its address is private, local or reserved (WEBHOOKS_ALLOW_PRIVATE)",
    isLasting: true,
  };

  it.each([
    "127.0.0.1",
    "127.1",
    "0x7f000001",
    "2130706433",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "169.254.169.254",
    "localhost",
  ])("does not connect to %s unless it is allowed to", async (host) => {
    const before = server.requests.length;

    expect(await send(`https://${host}:${port()}/`, { allowPrivate: false })).toEqual(refused);
    expect(server.requests.length).toBe(before);
  });

  it("judges the very address it connects to, so that a name may not change its mind", async () => {
    const answers: readonly LookupAddress[] = [
      { address: "127.0.0.1", family: 4 },
      { address: "::ffff:127.0.0.1", family: 6 },
    ];
    let asked = 0;
    const resolve = async () => {
      asked += 1;
      return answers;
    };

    expect(
      await send(`https://rebind.example:${port()}/`, { allowPrivate: false, resolve }),
    ).toEqual(refused);
    expect(asked).toBe(1);
  });

  it("connects only to those addresses of a name that it may", async () => {
    const before = server.requests.length;
    const resolve = async () => [
      { address: "169.254.169.254", family: 4 },
      { address: "127.0.0.1", family: 4 },
    ];

    expect(await send(`https://localhost:${port()}/`, { resolve })).toEqual({
      outcome: "delivered",
    });
    expect(server.requests.length).toBe(before + 1);
  });

  it("says nothing of address, query or secret when it fails", async () => {
    const failures = [
      await send("https://hidden-host.invalid/hidden-path?sig=hidden"),
      await send(`https://hidden-host.example:${port()}/hidden`, {
        resolve: async () => [{ address: "127.0.0.1", family: 4 }],
      }),
      await answered({ status: 500, body: "hidden" }),
    ];

    for (const sent of failures) {
      expect(sent.outcome).toBe("failed");
      expect(JSON.stringify(sent)).not.toMatch(/hidden|secret/);
    }
  });

  it("sends nothing to a webhook it does not know", async () => {
    const sent = await senderTo(server.url).send("another", message);

    expect(sent).toMatchObject({ outcome: "failed", isLasting: true });
  });
});
