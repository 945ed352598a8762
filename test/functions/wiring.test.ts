import { readdirSync, readFileSync } from "node:fs";
import { HttpRequest, type HttpResponseInit, InvocationContext } from "@azure/functions";
import { type Binding, registered } from "@azure/functions-core";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { names } from "../../src/workflow/names.ts";

const group = "subscriptions/{subscriptionId}/resourceGroups/{resourceGroup}";
const security = "providers/Microsoft.Security";
const everyMethod = ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS"];

/** Every address of the app. `starts`: it has the durable client, to start or signal durable work. */
const routes: readonly { name: string; route: string; methods?: string[]; starts?: boolean }[] = [
  {
    name: "listPolicies",
    route: `subscriptions/{subscriptionId}/${security}/jitNetworkAccessPolicies`,
  },
  {
    name: "listPoliciesOfLocation",
    route: `subscriptions/{subscriptionId}/${security}/locations/{location}/jitNetworkAccessPolicies`,
  },
  { name: "listPoliciesOfGroup", route: `${group}/${security}/jitNetworkAccessPolicies` },
  {
    name: "listPoliciesOfGroupAndLocation",
    route: `${group}/${security}/locations/{location}/jitNetworkAccessPolicies`,
  },
  {
    name: "policy",
    route: `${group}/${security}/locations/{location}/jitNetworkAccessPolicies/{name}`,
    starts: true,
  },
  {
    name: "initiate",
    route: `${group}/${security}/locations/{location}/jitNetworkAccessPolicies/{name}/initiate`,
    starts: true,
  },
  {
    name: "plan",
    route: `${group}/${security}/locations/{location}/jitNetworkAccessPolicies/{name}/plan`,
  },
  { name: "activityNumbers", route: "api/activity/numbers" },
  { name: "activity", route: "api/activity" },
  { name: "exportActivity", route: "api/activity/export" },
  { name: "verifyActivity", route: "api/activity/verify" },
  { name: "listRequests", route: "api/requests" },
  { name: "request", route: "api/requests/{requestId}" },
  { name: "evidence", route: "api/requests/{requestId}/evidence" },
  ...["approve", "deny", "revoke", "extend", "rebind", "review"].map((verb) => ({
    name: `${verb}Request`,
    route: `api/requests/{requestId}/${verb}`,
    starts: true,
  })),
  { name: "healthLive", route: "api/health/live", methods: ["GET"] },
  { name: "healthReady", route: "api/health/ready", methods: ["GET"] },
  { name: "nothingHere", route: "{*path}" },
];

/** Settings under which the app can be composed; nothing listens at the address of the storage, and nobody's identity is asked for. */
const settings = {
  TABLES_CONNECTION_STRING:
    "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;TableEndpoint=http://127.0.0.1:1/a;",
  ENTRA_TENANT_IDS: "11111111-0000-4000-8000-000000000001",
  DEPLOYMENT_NAME: "test",
  ENTRA_AUDIENCES: "api://jit",
  // The platform does not confirm it: nothing here says WEBSITE_AUTH_ENABLED.
  EASY_AUTH: "on",
};

const bindings = (name: string): readonly Binding[] =>
  Object.values(registered.get(name)?.metadata.bindings ?? {});
const trigger = (name: string) => bindings(name).find(({ type }) => /trigger$/i.test(type));
const ofKind = (kind: string) =>
  [...registered.keys()].filter((name) => trigger(name)?.type === kind).toSorted();

describe("the Functions host finds", () => {
  const before = { ...process.env };
  const warnings: string[] = [];
  const errors: string[] = [];

  beforeAll(async () => {
    Object.assign(process.env, settings);
    // The app writes its log there; what it says is tested elsewhere.
    jest.spyOn(console, "info").mockImplementation(() => undefined);
    jest.spyOn(console, "warn").mockImplementation((line) => void warnings.push(String(line)));
    jest.spyOn(console, "error").mockImplementation((line) => void errors.push(String(line)));
    await import("../../functions/main.ts");
  });

  afterAll(() => {
    process.env = before;
    jest.restoreAllMocks();
  });

  it("exactly these HTTP functions", () => {
    const found = ofKind("httpTrigger").map((name) => {
      const { route, methods, authLevel } = trigger(name) ?? {};
      return { name, route, methods, authLevel };
    });

    expect(found).toEqual(
      routes
        .map(({ name, route, methods = everyMethod }) => ({
          name,
          route,
          methods,
          // Callers prove who they are with a token; the host's keys are not asked for.
          authLevel: "anonymous",
        }))
        .toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    );
  });

  it("the durable client where, and only where, durable work is started or signalled", () => {
    const withClient = ofKind("httpTrigger").filter((name) =>
      bindings(name).some(({ type }) => type === "durableClient"),
    );

    expect(withClient).toEqual(
      routes
        .filter((route) => route.starts)
        .map((route) => route.name)
        .toSorted(),
    );
  });

  it("three timers: the sweep every minute, a look at every gate every ten, one at anchors every hour, all at the start too", () => {
    expect(ofKind("timerTrigger")).toEqual(["healEveryGate", "keepActivity", "sweep"]);
    expect(trigger("keepActivity")).toMatchObject({
      schedule: "45 17 * * * *",
      runOnStartup: true,
    });
    expect(trigger("healEveryGate")).toMatchObject({
      schedule: "30 */10 * * * *",
      runOnStartup: true,
    });
    expect(trigger("sweep")).toMatchObject({ schedule: "0 * * * * *", runOnStartup: true });
  });

  it("the durable work under the names that live instances carry", () => {
    expect(ofKind("orchestrationTrigger")).toEqual([
      "accessRequest",
      "accessWindow",
      "followPolicy",
    ]);
    expect(ofKind("activityTrigger")).toEqual(["lookAfterWindows", "openWindows", "protectPolicy"]);
    expect(ofKind("entityTrigger")).toEqual([]);
    expect(names.endNow).toBe("EndNow");
  });

  it("every activity and orchestration that the workflow calls", () => {
    const folder = new URL("../../src/workflow/", import.meta.url);
    const text = readdirSync(folder)
      .map((file) => readFileSync(new URL(file, folder), "utf8"))
      .join("\n");
    const calls = [
      ...text.matchAll(
        /(callActivity\w*|callSubOrchestrator\w*|startNew)\(\s*(?:names\.(\w+)|([^\s,)]+))/g,
      ),
    ].map(([, how = "", known, unknown]) => ({
      kind: how.startsWith("callActivity") ? "activityTrigger" : "orchestrationTrigger",
      name: known === undefined ? `not a constant: ${unknown}` : names[known as keyof typeof names],
    }));

    expect(calls.length).toBeGreaterThanOrEqual(4);
    for (const { kind, name } of calls) {
      expect({ name, kind: trigger(name)?.type }).toEqual({ name, kind });
    }
  });

  it("no way in without a token but health and the answer that nothing is here", async () => {
    const open = ["healthLive", "healthReady", "nothingHere"];
    for (const name of ofKind("httpTrigger").filter((one) => !open.includes(one))) {
      const answer = await answerOf(name);

      expect({ name, status: answer.status }).toEqual({ name, status: 401 });
      expect(new Headers(answer.headers as Record<string, string>).get("www-authenticate")).toMatch(
        /^Bearer/,
      );
    }
    // That they were turned away is for the audit, which cannot be reached here: the answer is the same.
    expect(new Set(errors.map((line) => JSON.parse(line).what))).toEqual(
      new Set(["telling sign-in problems"]),
    );
  });

  it("one warning that the headers of EasyAuth are ignored, as the platform does not vouch for them", async () => {
    const claims = [
      { typ: "oid", val: "22222222-0000-4000-8000-000000000001" },
      { typ: "tid", val: settings.ENTRA_TENANT_IDS },
    ];
    const principal = Buffer.from(JSON.stringify({ auth_typ: "aad", claims })).toString("base64");

    const answer = await answerOf("activity", {
      "x-ms-client-principal": principal,
      "x-ms-client-principal-idp": "aad",
    });

    expect(answer.status).toBe(401);
    expect(warnings.map((line) => JSON.parse(line).event)).toEqual(["app.easyAuthIgnored"]);
  });

  it("an answer in ARM's form where nothing is", async () => {
    const answer = await answerOf("nothingHere");

    expect(answer.status).toBe(404);
    expect(JSON.parse(String(answer.body))).toMatchObject({ error: { code: "ResourceNotFound" } });
    expect((await answerOf("healthLive")).status).toBe(200);
  });
});

async function answerOf(
  name: string,
  headers: Record<string, string> = {},
): Promise<HttpResponseInit> {
  const request = new HttpRequest({ method: "GET", url: "https://jit.contoso.example/x", headers });
  const callback = registered.get(name)?.callback;
  return (await callback?.(request, new InvocationContext())) as HttpResponseInit;
}
