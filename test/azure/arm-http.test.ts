import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { type ArmOptions, createArmHttp } from "../../src/azure/arm-http.ts";
import { createNetwork } from "../../src/azure/network.ts";
import { anOwner } from "../support/builders.ts";
import {
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from "../support/scripted-server.ts";
import { createStaticCredential } from "../support/static-credential.ts";

const token = "top-secret-token";
const gateId =
  "/subscriptions/5b0f2a6e-3c1d-4e7f-9a52-7d1c0e4b8f31/resourceGroups/rg (x)/providers/Microsoft.Network/networkSecurityGroups/nsg";
const vmId =
  "/subscriptions/5b0f2a6e-3c1d-4e7f-9a52-7d1c0e4b8f31/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm";

let server: ScriptedServer;
let seen: number;
beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.close());
beforeEach(() => {
  seen = server.requests.length;
});

const options = (more: Partial<ArmOptions> = {}): ArmOptions => ({
  credential: createStaticCredential(token),
  endpoint: server.url,
  scope: "https://management.azure.com/.default",
  tlsOptions: { ca: server.ca },
  retryDelayMs: 1,
  ...more,
});

/** The server's next answers; the last one again and again. */
function answerWith(...answers: ScriptedAnswer[]): void {
  server.answer = () => (answers.length > 1 ? answers.shift() : answers[0]) ?? "drop";
}
const requests = () => server.requests.slice(seen);

async function failureOf(doing: Promise<unknown>): Promise<unknown> {
  return await doing.then(
    () => "no failure",
    (error: unknown) => error,
  );
}

describe("a request to Azure Resource Manager", () => {
  it("carries a token of the configured scope, whatever the endpoint", async () => {
    answerWith({ status: 200, body: {} });
    const credential = createStaticCredential(token);

    await createArmHttp(options({ credential }))({ method: "GET", url: "/x?api-version=1" });

    expect(credential.scopes).toEqual(["https://management.azure.com/.default"]);
    expect(requests()[0]?.headers.authorization).toBe(`Bearer ${token}`);
  });

  it("that only reads is repeated after any fault on the way", async () => {
    answerWith("drop", { status: 504 }, { status: 429 }, { status: 200, body: { fine: true } });

    const answer = await createArmHttp(options())({ method: "GET", url: "/x" });

    expect(answer.text).toBe('{"fine":true}');
  });

  it("that writes is repeated where the front door turned it away", async () => {
    answerWith({ status: 503 }, { status: 500 }, { status: 200 });

    const answer = await createArmHttp(options())({ method: "PUT", url: "/x", body: "{}" });

    expect(answer.status).toBe(200);
    expect(requests()).toHaveLength(3);
  });

  it.each([
    { case: "the connection broke", given: "drop" as const },
    { case: "a gateway gave up waiting", given: { status: 504 } },
    { case: "somebody else writes", given: { status: 429 } },
  ])("that writes is never sent twice when $case: the first may be at work", async ({ given }) => {
    answerWith(given);

    await failureOf(createArmHttp(options())({ method: "PUT", url: "/x", body: "{}" }));

    expect(requests()).toHaveLength(1);
  });

  it("keeps a refusal's whole body", async () => {
    const body = { error: { code: "A", message: "b", details: [{ code: "C", message: "d" }] } };
    answerWith({ status: 409, body });

    const answer = await createArmHttp(options())({ method: "PUT", url: "/x", body: "{}" });

    expect(JSON.parse(answer.text)).toEqual(body);
  });

  it("is given up when no answer comes in time", async () => {
    answerWith("hang");

    const send = createArmHttp(options({ requestTimeoutMs: 100 }));

    await expect(send({ method: "GET", url: "/x" })).rejects.toMatchObject({ code: "ETIMEDOUT" });
  });
});

describe("a fault of Azure", () => {
  it("never shows our token, wherever it came up", async () => {
    answerWith("drop");
    const network = createNetwork({ ...options(), pollMs: 1, owner: anOwner });

    const faults = [
      await failureOf(network.readGate(gateId)),
      await failureOf(network.findMachine(vmId)),
      await failureOf(createArmHttp(options())({ method: "GET", url: "/x" })),
    ];

    for (const fault of faults) {
      expect(fault).toMatchObject({ name: "ArmError" });
      expect(`${inspect(fault, { depth: 20, showHidden: true })}`).not.toContain(token);
    }
  });

  it("in reading a gate quotes Azure's code", async () => {
    answerWith({ status: 403, body: { error: { code: "AuthorizationFailed", message: "no" } } });
    const network = createNetwork({ ...options(), pollMs: 1, owner: anOwner });

    await expect(network.readGate(gateId)).rejects.toMatchObject({
      status: 403,
      code: "AuthorizationFailed",
    });
  });
});

describe("the id of a gate", () => {
  it("is encoded in the address", async () => {
    answerWith({ status: 404 });
    const network = createNetwork({ ...options(), pollMs: 1, owner: anOwner });

    expect(await network.readGate(gateId)).toBeUndefined();
    expect(requests()[0]?.path).toBe(`${gateId}?api-version=2026-01-01`);
  });

  it.each([
    { case: "another kind of resource", id: vmId },
    { case: "a resource above", id: gateId.replace("/nsg", "/..") },
    { case: "another host", id: "https://evil.example/" },
  ])("cannot lead to $case", async ({ id }) => {
    const network = createNetwork({ ...options(), pollMs: 1, owner: anOwner });

    await expect(network.readGate(id)).rejects.toThrow("not the id of a network security group");
    await expect(network.publicAddress(id)).rejects.toThrow("not the id of a public IP address");
    expect(requests()).toEqual([]);
  });
});
