import { HttpRequest } from "@azure/functions";
import { beforeEach, describe, expect, it } from "@jest/globals";
import { largestBody } from "../../src/http/body.ts";
import { createOpenRoute } from "../../src/http/front-door.ts";
import { createRateLimits } from "../../src/http/rate-limits.ts";
import { aPolicy, subscriptionId, vmId } from "../support/builders.ts";
import { createFrontDoor, paths } from "../support/front-door.ts";
import { createWorld, type World } from "../support/world.ts";

const aBody = {
  properties: {
    virtualMachines: [
      {
        id: vmId(),
        ports: [
          {
            number: 22,
            protocol: "TCP",
            allowedSourceAddressPrefix: "*",
            maxRequestAccessDuration: "PT3H",
          },
        ],
      },
    ],
  },
};

describe("the front door", () => {
  let world: World;
  let door: ReturnType<typeof createFrontDoor>;

  beforeEach(() => {
    world = createWorld();
    door = createFrontDoor(world);
  });

  const refusals = async () =>
    (await world.facts()).map(({ operation, outcome, vmId: vm, policyId, actor, reasons }) => ({
      operation,
      outcome,
      vm,
      policyId,
      actor: actor?.name,
      codes: reasons?.map((reason) => reason.code),
    }));

  it.each([
    { method: "GET", address: "a policy", path: paths.policy() },
    { method: "PUT", address: "a policy", path: paths.policy() },
    { method: "DELETE", address: "a policy", path: paths.policy() },
    { method: "PATCH", address: "a policy", path: paths.policy() },
    { method: "POST", address: "initiate", path: paths.initiate() },
    { method: "GET", address: "the policies", path: paths.ofSubscription },
    { method: "GET", address: "the activity", path: paths.activity },
  ])(
    "asks a stranger who calls $method on $address for a token, and keeps a fact of that alone",
    async ({ method, path }) => {
      const reply = await door.call(method, path, { as: "nobody" });

      expect(reply.status).toBe(401);
      expect(reply.headers.get("www-authenticate")).toMatch(/^Bearer/);
      expect(reply.json.error.code).toBe("AuthenticationFailed");
      expect(await refusals()).toEqual([
        expect.objectContaining({ operation: "service.signIn", codes: ["AuthenticationFailed"] }),
      ]);
      expect(world.network.reads).toEqual([]);
    },
  );

  it("does not take a token that the verifier refuses", async () => {
    const reply = await door.call("GET", paths.policy(), {
      as: "nobody",
      headers: { authorization: "Bearer mallory" },
    });

    expect(reply.status).toBe(401);
    expect(reply.headers.get("www-authenticate")).toBe('Bearer error="invalid_token"');
  });

  it.each([
    { method: "PATCH", address: "a policy", path: paths.policy(), allow: "GET, PUT, DELETE" },
    { method: "POST", address: "a policy", path: paths.policy(), allow: "GET, PUT, DELETE" },
    { method: "GET", address: "initiate", path: paths.initiate(), allow: "POST" },
    { method: "PUT", address: "the policies", path: paths.ofSubscription, allow: "GET" },
    { method: "DELETE", address: "the activity", path: paths.activity, allow: "GET" },
  ])(
    "answers $method on $address with 405 and what is allowed",
    async ({ method, path, allow }) => {
      const reply = await door.call(method, path);

      expect(reply.status).toBe(405);
      expect(reply.headers.get("allow")).toBe(allow);
      expect(reply.json.error).toMatchObject({ code: "MethodNotAllowed", target: "method" });
    },
  );

  it.each([
    { case: "not JSON", body: "not json" },
    { case: "cut off", body: '{"properties":' },
    { case: "empty", body: "" },
  ])("refuses a body that is $case", async ({ body }) => {
    for (const [method, path] of [
      ["PUT", paths.policy()],
      ["POST", paths.initiate()],
    ] as const) {
      const reply = await door.call(method, path, { body });

      expect(reply.status).toBe(400);
      expect(reply.json.error).toMatchObject({ code: "InvalidRequestContent", target: "body" });
    }
  });

  it("refuses a body of 5 MB, whether or not its length is told", async () => {
    const body = JSON.stringify({ ...aBody, padding: "x".repeat(5 * 1_024 * 1_024) });

    const measured = await door.call("PUT", paths.policy(), { body });
    const told = await door.call("PUT", paths.policy(), {
      body: "{}",
      headers: { "content-length": String(largestBody + 1) },
    });

    for (const reply of [measured, told]) {
      expect(reply.status).toBe(413);
      expect(reply.json.error).toMatchObject({ code: "RequestContentTooLarge", target: "body" });
    }
    expect(await world.policiesStored()).toEqual([]);
  });

  it.each([
    { part: "subscriptionId", path: paths.policy().replace(subscriptionId, "not-a-guid") },
    { part: "resourceGroup", path: paths.policy().replace("/shop/", "/a%20b%2Fc/") },
    { part: "name", path: paths.policy("50%25") },
  ])("names the part of a path that cannot be: $part", async ({ part, path }) => {
    const reply = await door.call("GET", path);

    expect(reply.status).toBe(400);
    expect(reply.json.error).toMatchObject({ code: "InvalidRequestContent", target: part });
  });

  it("says which right is missing, and where", async () => {
    const reply = await door.call("PUT", paths.policy(), { as: "rita", body: aBody });

    expect(reply.status).toBe(403);
    expect(reply.json.error.code).toBe("AuthorizationFailed");
    expect(reply.json.error.message).toContain(
      "Microsoft.Security/locations/jitNetworkAccessPolicies/write",
    );
    expect(reply.json.error.details.map((one: { target: string }) => one.target)).toEqual([
      aPolicy().id,
      vmId(),
    ]);
  });

  it("answers an unforeseen fault with a request id and nothing of the fault, which the log has", async () => {
    door.rights.failNext(new Error("password=hunter2 at secret.ts:1:1"));

    const reply = await door.call("GET", paths.policy());

    expect(reply.status).toBe(500);
    expect(reply.json.error.code).toBe("InternalError");
    expect(reply.text).toContain(reply.headers.get("x-ms-request-id") ?? "no id");
    expect(reply.text).not.toContain("hunter2");
    expect(reply.text).not.toContain("secret.ts");
    expect(world.logged).toContainEqual(
      expect.objectContaining({
        event: "http.unforeseen",
        requestId: reply.headers.get("x-ms-request-id"),
        message: "password=hunter2 at secret.ts:1:1",
      }),
    );
  });

  it.each([
    "RestError",
    "ArmError",
    "AuthenticationError",
    "CredentialUnavailableError",
    "KeysUnavailable",
  ])("answers an outage of what it needs with 503: %s", async (name) => {
    door.rights.failNext(Object.assign(new Error("Connection refused."), { name }));

    const reply = await door.call("GET", paths.policy());

    expect(reply.status).toBe(503);
    expect(reply.json.error.code).toBe("ServiceUnavailable");
    expect(reply.text).not.toContain("Connection refused");
  });

  it("answers an outage in the same words where no token is asked for", async () => {
    const ports = { ...world.start(), tokens: { verify: () => Promise.reject(new Error()) } };
    const health = createOpenRoute(
      {
        ...ports,
        trustedProxyHops: 1,
        rateLimits: createRateLimits(world.clock, 1),
      },
      async () => {
        throw Object.assign(new Error("Connection refused."), { name: "RestError" });
      },
    );

    const answer = await health(
      new HttpRequest({ method: "GET", url: "https://jit.contoso.example/api/health" }),
    );

    expect(answer.status).toBe(503);
    expect(answer.headers).toMatchObject({ "cache-control": "no-store" });
    expect(answer.body).not.toContain("Connection refused");
  });

  it("logs every call with its id, status and duration, and neither token nor body", async () => {
    const reply = await door.call("PUT", paths.policy(), { as: "rita", body: aBody });

    const lines = world.logged.filter((line) => line.event === "http.answered");
    expect(lines).toEqual([
      expect.objectContaining({
        requestId: reply.headers.get("x-ms-request-id"),
        method: "PUT",
        status: 403,
        durationMs: 0,
      }),
    ]);
    expect(JSON.stringify(world.logged)).not.toMatch(/Bearer|virtualMachines"/);
  });

  describe("keeps a fact of every refusal of a known caller", () => {
    it("at the VMs it named", async () => {
      await door.call("PUT", paths.policy(), { as: "rita", body: aBody });

      expect(await refusals()).toEqual([
        {
          operation: "policy.write",
          outcome: "refused",
          vm: vmId(),
          policyId: aPolicy().id,
          actor: "rita@contoso.example",
          codes: ["AuthorizationFailed", "AuthorizationFailed"],
        },
      ]);
    });

    it("at the VMs of a body that is wrong in other ways, as far as it can be read", async () => {
      const body = { virtualMachines: [{ id: vmId() }, { id: "nonsense" }, 7] };

      await door.call("POST", paths.initiate(), { as: "alice", body });

      expect((await refusals()).map(({ operation, vm }) => ({ operation, vm }))).toEqual([
        { operation: "access.initiate", vm: vmId() },
      ]);
    });

    it("at the subscription where it named none", async () => {
      await door.call("POST", paths.initiate(), { as: "alice", body: "not json" });
      await world.clock.advance(1_000);
      await door.call("DELETE", paths.policy(), { as: "eve" });

      expect(
        (await refusals()).map(({ operation, vm, codes }) => ({ operation, vm, codes })),
      ).toEqual([
        { operation: "access.initiate", vm: undefined, codes: ["InvalidRequestContent"] },
        { operation: "policy.delete", vm: undefined, codes: ["AuthorizationFailed"] },
      ]);
    });

    it("however the path was spelled", async () => {
      const spelled = paths.initiate().replace(/(?<=subscriptions\/\w+)-/, "%2D");

      const reply = await door.call("POST", spelled, { as: "eve", body: aBody });

      expect(reply.status).not.toBe(202);
      expect((await refusals()).map(({ policyId }) => policyId)).toEqual([aPolicy().id]);
    });

    it("but not of reading", async () => {
      const reply = await door.call("GET", paths.policy(), { as: "eve" });

      expect(reply.status).toBe(403);
      expect(await refusals()).toEqual([]);
    });
  });
});
