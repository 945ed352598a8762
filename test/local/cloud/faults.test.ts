import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { Cloud } from "../../../local/cloud/cloud.ts";
import { aRule } from "./support/a-rule.ts";
import { apiVersion, type Laboratory, openLaboratory } from "./support/running-cloud.ts";
import { soon } from "./support/soon.ts";

let lab: Laboratory;
let cloud: Cloud;
beforeAll(async () => {
  lab = await openLaboratory();
  cloud = await lab.start();
});
beforeEach(() => cloud.faults.clear());
afterAll(() => lab.dispose());

let nextPriority = 200;
/** Each at a priority of its own: a refusal shall come from a fault and from nothing else. */
function aBody() {
  return { body: { properties: aRule({ priority: nextPriority++ }) } };
}

function nsgPath(nsg: string): string {
  return `/subscriptions/${lab.estate.subscriptionId}/resourceGroups/rg-demo/providers/Microsoft.Network/networkSecurityGroups/${nsg}?${apiVersion}`;
}

function rulePath(nsg: string, rule: string): string {
  return nsgPath(nsg).replace("?", `/securityRules/${rule}?`);
}

/** Arms over HTTP, as a demo or an acceptance test does. */
function arm(fault: unknown) {
  return lab.send(cloud, "POST", "/local/faults", { body: fault, anonymous: true });
}

function ruleNames(nsg: string): readonly unknown[] {
  const id = nsgPath(nsg).replace(/\?.*/, "");
  const rules = cloud.resources.get(id)?.resource.properties["securityRules"];
  return (rules as { name: string }[]).map(({ name }) => name);
}

describe("faults on demand", () => {
  it("strike as often as asked, tell how often, and are gone once cleared", async () => {
    const armed = await arm({
      match: "GET networkSecurityGroups/nsg-linux",
      kind: "503",
      times: 2,
    });
    const answers = [];
    for (let count = 0; count < 3; count++) {
      answers.push((await lab.send(cloud, "GET", nsgPath("nsg-linux"))).status);
    }
    const listed = await lab.send(cloud, "GET", "/local/faults", { anonymous: true });
    const cleared = await lab.send(cloud, "DELETE", "/local/faults", { anonymous: true });

    const fault = {
      match: { method: ["GET"], path: "networkSecurityGroups/nsg-linux" },
      kind: "503",
      times: 2,
    };
    expect(armed).toMatchObject({ status: 201, body: { ...fault, struck: 0 } });
    expect(answers).toEqual([503, 503, 200]);
    expect(listed.body).toEqual({ value: [{ ...fault, struck: 2 }] });
    expect(cleared.status).toBe(204);
    expect(cloud.faults.armed()).toEqual([]);
  });

  it("go on until cleared when they strike always", async () => {
    cloud.faults.arm({ match: "*", kind: "500", times: "always" });

    const during = await Promise.all(
      [1, 2, 3].map(() => lab.send(cloud, "GET", nsgPath("nsg-linux"))),
    );
    cloud.faults.clear();
    const after = await lab.send(cloud, "GET", nsgPath("nsg-linux"));

    expect(during.map(({ status }) => status)).toEqual([500, 500, 500]);
    expect(after.status).toBe(200);
  });

  it("strike one after the other, in the order of arming", async () => {
    cloud.faults.arm({ match: "*", kind: "409" });
    cloud.faults.arm({ match: "*", kind: "412" });

    const first = await lab.send(cloud, "GET", nsgPath("nsg-linux"));
    const second = await lab.send(cloud, "GET", nsgPath("nsg-linux"));

    expect([first.status, second.status]).toEqual([409, 412]);
  });

  it.each([
    { case: "all", match: "*", hit: ["nsg", "rule", "put"] },
    { case: "one method, in any case", match: { method: "put" }, hit: ["put"] },
    { case: "one of several methods", match: "PUT,DELETE SECURITYRULES", hit: ["put"] },
    { case: "part of a path, in any case", match: "nsg-LINUX", hit: ["nsg", "rule"] },
    { case: "a method alone", match: "GET", hit: ["nsg", "rule"] },
    { case: "a whole group, not its rules", match: "nsg-linux?", hit: ["nsg"] },
    { case: "a path with a gap", match: { path: "nsg-*/securityRules/" }, hit: ["rule", "put"] },
    { case: "parts in another order", match: "securityRules*nsg-linux", hit: [] },
    { case: "a method that nobody uses", match: { method: ["PATCH", "POST"] }, hit: [] },
  ])("meet the requests they are for: $case", async ({ match, hit }) => {
    cloud.faults.arm({ match, kind: "503", times: "always" });

    const statuses = {
      nsg: (await lab.send(cloud, "GET", nsgPath("nsg-linux"))).status,
      rule: (await lab.send(cloud, "GET", rulePath("nsg-linux", "allow-ssh-from-office"))).status,
      put: (await lab.send(cloud, "PUT", rulePath("nsg-farm", "Matched"), aBody())).status,
    };

    const struck = Object.entries(statuses).filter(([, status]) => status === 503);
    expect(struck.map(([name]) => name)).toEqual(hit);
  });

  it("leave sign-in alone, and who has no token is turned away as ever", async () => {
    cloud.faults.arm({ match: "*", kind: "500", times: "always" });

    const log = await lab.send(cloud, "GET", "/local/requests", { anonymous: true });
    const stranger = await lab.send(cloud, "GET", nsgPath("nsg-linux"), { anonymous: true });

    expect([log.status, stranger.status]).toEqual([200, 401]);
    expect(cloud.faults.armed()).toMatchObject([{ struck: 0 }]);
  });

  it.each([
    { case: "no JSON", fault: "{", detail: undefined },
    { case: "nothing to match", fault: { kind: "500" }, detail: /^match: / },
    { case: "an unknown kind", fault: { match: "*", kind: "flood" }, detail: /^kind: .*"slow"/ },
    {
      case: "an unknown method",
      fault: { match: "FETCH nsg", kind: "500" },
      detail: /^match\.method\.0: .*"GET"/,
    },
    {
      case: "a path of two words",
      fault: { match: "GET nsg linux", kind: "500" },
      detail: /^match\.path: must not contain blanks/,
    },
    { case: "no times", fault: { match: "*", kind: "500", times: 0 }, detail: /^times: / },
    {
      case: "a delay without slowness",
      fault: { match: "*", kind: "500", delayMs: 1 },
      detail: /^delayMs: belongs to kind 'slow'/,
    },
    {
      case: "slowness without a delay",
      fault: { match: "*", kind: "slow" },
      detail: /^delayMs: .*needs it/,
    },
    {
      case: "a Retry-After that would not be sent",
      fault: { match: "*", kind: "429", retryAfterSeconds: 1 },
      detail: /^retryAfterSeconds: belongs to kind '429-retry-after'/,
    },
    {
      case: "an unknown member",
      fault: { match: "*", kind: "500", count: 1 },
      detail: /"count"/,
    },
  ])("are refused in ARM's shape: $case", async ({ fault, detail }) => {
    const refused = await arm(fault);

    expect(refused.status).toBe(400);
    expect(refused.body.error.code).toBe("InvalidRequestContent");
    if (detail !== undefined) {
      expect(refused.body.error.details[0].message).toMatch(detail);
    }
    expect(cloud.faults.armed()).toEqual([]);
  });

  it("are forgotten by a cloud that starts again", async () => {
    const stateFile = `${lab.dir}/faults.json`;
    const first = await lab.start({ stateFile });
    first.faults.arm({ match: "*", kind: "500", times: "always" });
    await first.stop();

    const second = await lab.start({ stateFile });

    expect(second.faults.armed()).toEqual([]);
    expect((await lab.send(second, "GET", nsgPath("nsg-linux"))).status).toBe(200);
  });
});

describe("a fault that is an answer", () => {
  it.each([
    {
      kind: 429 as const,
      status: 429,
      code: "RetryableError",
      detail: "RetryableErrorDueToAnotherOperation",
    },
    { kind: "429-retry-after", status: 429, code: "SubscriptionRequestsThrottled" },
    { kind: "409", status: 409, code: "AnotherOperationInProgress" },
    {
      kind: "412",
      status: 412,
      code: "PreconditionFailed",
      detail: "PreconditionFailedEtagMismatch",
    },
    { kind: "500", status: 500, code: "InternalServerError" },
    { kind: "503", status: 503, code: "ServiceUnavailable" },
  ])("is $kind in Azure's words, without any effect, and in the log", async (expected) => {
    await arm({ match: "PUT nsg-farm/securityRules", kind: expected.kind });
    const before = cloud.requests.all().length;

    const answer = await lab.send(cloud, "PUT", rulePath("nsg-farm", "Refused"), aBody());

    expect(answer.status).toBe(expected.status);
    expect(answer.body.error.code).toBe(expected.code);
    expect(answer.body.error.details[0]?.code).toBe(expected.detail);
    expect(ruleNames("nsg-farm")).not.toContain("Refused");
    expect(cloud.requests.all().slice(before)).toMatchObject([
      { method: "PUT", status: expected.status },
    ]);
  });

  it("says when to come back only if it is to", async () => {
    cloud.faults.arm({ match: "*", kind: "429" });
    cloud.faults.arm({ match: "*", kind: "429-retry-after" });
    cloud.faults.arm({ match: "*", kind: "429-retry-after", retryAfterSeconds: 7 });

    const answers = [];
    for (let count = 0; count < 3; count++) {
      answers.push(await lab.send(cloud, "GET", nsgPath("nsg-linux")));
    }

    expect(answers.map(({ headers }) => headers["retry-after"])).toEqual([undefined, "1", "7"]);
  });

  it("meets those who poll as well", async () => {
    const put = await lab.send(cloud, "PUT", rulePath("nsg-farm", "Polled"), aBody());
    const poll = String(put.headers["azure-asyncoperation"]).slice(cloud.url.length);
    cloud.faults.arm({ match: "GET /operations/", kind: "503" });

    const first = await lab.send(cloud, "GET", poll);
    const second = await lab.send(cloud, "GET", poll);

    expect([first.status, second.status]).toEqual([503, 200]);
  });
});

describe("a connection that is cut", () => {
  it("leaves no trace of a request that was lost on its way, but in the log", async () => {
    cloud.faults.arm({ match: "PUT", kind: "drop-before" });

    const put = lab.send(cloud, "PUT", rulePath("nsg-farm", "LostBefore"), aBody());

    await expect(put).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(ruleNames("nsg-farm")).not.toContain("LostBefore");
    expect(cloud.requests.all().at(-1)).toMatchObject({ method: "PUT", status: 0 });
  });

  it("keeps the effect of a request whose answer was lost", async () => {
    cloud.faults.arm({ match: "PUT", kind: "drop-after" });

    const put = lab.send(cloud, "PUT", rulePath("nsg-farm", "LostAfter"), aBody());

    await expect(put).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(ruleNames("nsg-farm")).toContain("LostAfter");
    expect(cloud.requests.all().at(-1)).toMatchObject({ method: "PUT", status: 0 });
  });

  it("hides a refusal as it hides any answer", async () => {
    cloud.faults.arm({ match: "GET", kind: "drop-after" });

    const get = lab.send(cloud, "GET", nsgPath("nsg-not-there"));

    await expect(get).rejects.toMatchObject({ code: "ECONNRESET" });
  });
});

describe("a slow answer", () => {
  it("comes when its time has run, the effect long since there", async () => {
    cloud.faults.arm({ match: "PUT", kind: "slow", delayMs: 60 });

    const { status } = await lab.send(cloud, "PUT", rulePath("nsg-farm", "Slow"), aBody());

    expect(status).toBe(201);
    expect(cloud.requests.all().at(-1)?.durationMs).toBeGreaterThanOrEqual(59);
  });

  it("comes at once when the faults are cleared", async () => {
    cloud.faults.arm({ match: "PUT", kind: "slow", delayMs: 3_600_000 });

    const put = lab.send(cloud, "PUT", rulePath("nsg-farm", "VerySlow"), aBody());
    await soon(() => expect(ruleNames("nsg-farm")).toContain("VerySlow"));
    cloud.faults.clear();

    expect((await put).status).toBe(201);
  });
});
