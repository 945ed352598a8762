import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Cloud } from "../../../local/cloud/cloud.ts";
import { type Laboratory, openLaboratory } from "./support/running-cloud.ts";

const NOBODY = "99999999-9999-4999-8999-999999999999";
const identityHeader = "secret";

let lab: Laboratory;
let cloud: Cloud;
beforeAll(async () => {
  lab = await openLaboratory();
  cloud = await lab.start({ identityHeader });
});
afterAll(() => lab.dispose());

const id = (name: string): string => {
  const { people, applications = [], groups = [] } = lab.estate;
  const named = [...people, ...applications].find((each) => each.name === name);
  const group = groups.find((each) => each.displayName === name);
  return named?.objectId ?? group?.objectId ?? name;
};
const ask = (method: string, path: string, body?: unknown, of = cloud) =>
  lab.send(of, method, `/graph/v1.0/${path}`, body === undefined ? {} : { body });
const memberOf = async (name: string, groups: readonly string[], of = cloud) => {
  const body = { groupIds: groups.map(id) };
  const answer = await ask("POST", `directoryObjects/${id(name)}/checkMemberGroups`, body, of);
  return answer.body.value;
};

/** The service's own token for Graph, as App Service hands it out. */
async function serviceToken(of: Cloud): Promise<string> {
  const query = "api-version=2019-08-01&resource=https://graph.microsoft.com";
  const { body } = await lab.send(of, "GET", `/local/msi/token?${query}`, {
    anonymous: true,
    headers: { "x-identity-header": identityHeader },
  });
  return body.access_token;
}

describe("an account in Graph", () => {
  it.each([
    { who: "a person", path: "users", name: "carol", accountEnabled: true },
    { who: "a disabled person", path: "users", name: "gus", accountEnabled: false },
    { who: "an application", path: "servicePrincipals", name: "pipeline", accountEnabled: true },
  ])("tells whether $who may sign in, if asked to", async ({ path, name, accountEnabled }) => {
    const select = "$select=id,accountEnabled";
    const { status, body } = await ask("GET", `${path}/${id(name).toUpperCase()}?${select}`);

    expect(status).toBe(200);
    expect(body).toEqual({
      "@odata.context": `${cloud.url}/graph/v1.0/$metadata#${path}(id,accountEnabled)/$entity`,
      id: id(name),
      accountEnabled,
    });
  });

  it("of a person leaves that out unless asked, and is found by user principal name too", async () => {
    const { body } = await ask("GET", "users/Carol@contoso.example");
    expect(body).toMatchObject({ id: id("carol"), displayName: "Carol Costa" });
    expect(body).not.toHaveProperty("accountEnabled");
  });

  it.each([
    {
      case: "nobody",
      path: () => `users/${NOBODY}`,
      status: 404,
      code: "Request_ResourceNotFound",
    },
    {
      case: "an application among users",
      path: () => `users/${id("pipeline")}`,
      status: 404,
      code: "Request_ResourceNotFound",
    },
    {
      case: "a malformed id",
      path: () => "servicePrincipals/pipeline",
      status: 400,
      code: "Request_BadRequest",
    },
    {
      case: "an unknown property",
      path: () => `users/${id("carol")}?$select=shoeSize`,
      status: 400,
      code: "Request_BadRequest",
    },
    { case: "another path", path: () => "me", status: 404, code: "NotFound" },
  ])("is refused for $case, in Graph's own shape", async ({ path, status, code }) => {
    const answer = await ask("GET", path());

    const requestId = answer.headers["request-id"];
    expect(answer).toMatchObject({ status, body: { error: { code } } });
    expect(answer.body.error.innerError).toEqual({
      date: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/),
      "request-id": requestId,
      "client-request-id": requestId,
    });
  });
});

describe("group membership in Graph", () => {
  const all = ["jit-requesters", "jit-approvers", "oncall", NOBODY];

  it.each([
    { name: "carol", groups: ["jit-requesters"] },
    { name: "bob", groups: ["jit-approvers"] },
    { name: "dan", groups: ["jit-approvers", "oncall"] },
    { name: "oncall", groups: ["jit-approvers"] },
    { name: "pipeline", groups: [] },
  ])("counts groups in groups: $name is in $groups", async ({ name, groups }) => {
    expect(await memberOf(name, all)).toEqual(groups.map(id));
  });

  it.each([
    { case: "21 groups", groupIds: Array.from({ length: 21 }, () => NOBODY), status: 400 },
    { case: "20 groups", groupIds: Array.from({ length: 20 }, () => NOBODY), status: 200 },
    { case: "one malformed id", groupIds: [NOBODY, "oncall"], status: 400 },
    { case: "no list", groupIds: NOBODY, status: 400 },
  ])("is asked about $case: $status", async ({ groupIds, status }) => {
    const path = `directoryObjects/${id("dan")}/checkMemberGroups`;
    expect((await ask("POST", path, { groupIds })).status).toBe(status);
  });

  it("of nobody is not found, and of a malformed id is refused", async () => {
    const path = (of: string) => `directoryObjects/${of}/checkMemberGroups`;
    expect((await ask("POST", path(NOBODY), { groupIds: [] })).status).toBe(404);
    expect((await ask("POST", path("dan"), { groupIds: [] })).status).toBe(400);
  });
});

describe("a change in Graph", () => {
  it("is seen at once, by ARM too, and after the next start", async () => {
    const stateFile = join(lab.dir, "directory.json");
    const first = await lab.start({ stateFile });
    const carol = id("carol");
    const reference = { "@odata.id": `https://graph.microsoft.com/v1.0/directoryObjects/${carol}` };
    const members = (group: string) => `groups/${id(group)}/members`;

    const changes = [
      await ask("PATCH", `users/${carol}`, { accountEnabled: false }, first),
      await ask("PATCH", `servicePrincipals/${id("pipeline")}`, { accountEnabled: false }, first),
      await ask("POST", `${members("oncall")}/$ref`, reference, first),
      await ask("DELETE", `${members("jit-requesters")}/${carol}/$ref`, undefined, first),
    ];
    expect(changes.map(({ status }) => status)).toEqual([204, 204, 204, 204]);
    await first.stop();

    const second = await lab.start({ stateFile });
    const read = await ask("GET", `users/${carol}?$select=accountEnabled`, undefined, second);
    expect(read.body.accountEnabled).toBe(false);
    expect(await memberOf("carol", ["oncall", "jit-approvers", "jit-requesters"], second)).toEqual(
      ["oncall", "jit-approvers"].map(id),
    );
    const filter = encodeURIComponent(`assignedTo('${carol}')`);
    const path = `/subscriptions/${lab.estate.subscriptionId}/providers/Microsoft.Authorization/roleAssignments`;
    const { body } = await lab.send(
      second,
      "GET",
      `${path}?api-version=2022-04-01&$filter=${filter}`,
    );
    expect(body.value).toEqual([]);
  });

  it("is refused when it is none, or means nobody", async () => {
    const members = `groups/${id("oncall")}/members`;
    const reference = (of: string) => ({ "@odata.id": `${cloud.url}/graph/v1.0/users/${of}` });

    const again = await ask("POST", `${members}/$ref`, reference(id("dan")));
    expect(again.body.error.message).toMatch(/already exist.*'members'/);
    expect((await ask("POST", `${members}/$ref`, reference(NOBODY))).status).toBe(404);
    expect((await ask("POST", `${members}/$ref`, { id: NOBODY })).status).toBe(400);
    expect((await ask("DELETE", `${members}/${id("bob")}/$ref`)).status).toBe(404);
    const path = `users/${id("dan")}`;
    expect((await ask("PATCH", path, { displayName: "Daniel" })).status).toBe(400);
  });
});

describe("who asks Graph", () => {
  it.each([
    { case: "no token", headers: {}, message: "Access token is empty." },
    { case: "nonsense", headers: { authorization: "Bearer x.y.z" }, message: /validation failure/ },
  ])("is refused with $case", async ({ headers, message }) => {
    const path = `/graph/v1.0/users/${id("dan")}`;
    const answer = await lab.send(cloud, "GET", path, { anonymous: true, headers });
    expect(answer.status).toBe(401);
    expect(answer.body.error.code).toBe("InvalidAuthenticationToken");
    expect(answer.body.error.message).toMatch(message);
  });

  it("needs a token for Graph, not one for ARM", async () => {
    const tokens = `/local/tokens/olivia?audience=https://management.azure.com/`;
    const { body } = await lab.send(cloud, "GET", tokens, { anonymous: true });
    const answer = await lab.send(cloud, "GET", `/graph/v1.0/users/${id("dan")}`, {
      anonymous: true,
      headers: { authorization: `Bearer ${body.access_token}` },
    });
    expect(answer.body.error.message).toBe("Access token validation failure. Invalid audience.");
  });

  it("may, as the service, do what its permissions on Graph say and no more", async () => {
    const { estate } = lab;
    const graphPermissions = ["User.Read.All"];
    const serviceIdentity = { ...estate.serviceIdentity, graphPermissions };
    const poorer = await lab.start({ identityHeader, estate: { ...estate, serviceIdentity } });
    const statuses = async (of: Cloud) => {
      const headers = { authorization: `Bearer ${await serviceToken(of)}` };
      const send = async (method: string, path: string, body?: unknown) =>
        (await lab.send(of, method, `/graph/v1.0/${path}`, { anonymous: true, headers, body }))
          .status;
      return [
        await send("GET", `users/${id("dan")}`),
        await send("GET", `servicePrincipals/${id("pipeline")}`),
        await send("GET", `servicePrincipals/${estate.serviceIdentity.principalId}`),
        await send("POST", `users/${id("dan")}/checkMemberGroups`, { groupIds: [id("oncall")] }),
        await send("PATCH", `users/${id("dan")}`, { accountEnabled: false }),
      ];
    };

    expect(await statuses(cloud)).toEqual([200, 200, 200, 200, 403]);
    expect(await statuses(poorer)).toEqual([200, 403, 200, 403, 403]);
  });
});

describe("troubles of Graph", () => {
  const path = () => `users/${id("dan")}?$select=accountEnabled`;

  it("come on demand, in Graph's words, and its requests are counted", async () => {
    cloud.faults.arm({
      match: "GET /graph/v1.0/users/",
      kind: "429-retry-after",
      retryAfterSeconds: 7,
    });
    cloud.faults.arm({ match: "GET /graph/v1.0/users/", kind: "503" });
    const before = cloud.requests.all().length;

    const throttled = await ask("GET", path());
    const unavailable = await ask("GET", path());
    const fine = await ask("GET", path());

    expect(throttled).toMatchObject({
      status: 429,
      headers: { "retry-after": "7" },
      body: { error: { code: "TooManyRequests", innerError: {} } },
    });
    expect([unavailable.status, fine.status]).toEqual([503, 200]);
    const logged = cloud.requests.all().slice(before);
    expect(logged.map((request) => `${request.method} ${request.path} ${request.status}`)).toEqual(
      [429, 503, 200].map((status) => `GET /graph/v1.0/${path()} ${status}`),
    );
    expect(logged[0]?.principal).toBe(id("olivia"));
  });

  it("cut a connection, and show what was before a change", async () => {
    cloud.faults.arm({ match: "GET /graph/", kind: "drop-before" });
    await expect(ask("GET", path())).rejects.toThrow(/hang up|ECONNRESET/);

    await ask("PATCH", `users/${id("dan")}`, { accountEnabled: false });
    cloud.faults.arm({ match: "GET /graph/", kind: "stale-read" });
    expect((await ask("GET", path())).body.accountEnabled).toBe(true);
    expect((await ask("GET", path())).body.accountEnabled).toBe(false);
  });
});
