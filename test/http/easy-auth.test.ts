import { beforeEach, describe, expect, it } from "@jest/globals";
import { subscriptionId } from "../support/builders.ts";
import { type CallOptions, createFrontDoor, paths, people } from "../support/front-door.ts";
import { createWorld, type World } from "../support/world.ts";

const { olivia } = people;
const uri = "http://schemas.microsoft.com/identity/claims";

interface Claim {
  readonly typ: string;
  readonly val: string;
}

const oid = (val: string): Claim => ({ typ: "oid", val });
const tid = (val: string): Claim => ({ typ: "tid", val });
const goodClaims = [
  { typ: `${uri}/objectidentifier`, val: olivia.objectId },
  { typ: `${uri}/tenantid`, val: olivia.tenantId },
  { typ: "preferred_username", val: olivia.name },
  { typ: "name", val: "Olivia Ortega" },
];

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64");

/** The headers of EasyAuth for a person it signed in. */
function signedIn(claims: readonly Claim[] = goodClaims, authType = "aad", idp = "aad") {
  return {
    "x-ms-client-principal": encoded({ auth_typ: authType, claims, name_typ: "name" }),
    "x-ms-client-principal-idp": idp,
    "x-ms-client-principal-id": olivia.objectId,
    "x-ms-client-principal-name": olivia.name,
  };
}

describe("EasyAuth, while it is on and the platform says so", () => {
  let world: World;
  let door: ReturnType<typeof createFrontDoor>;
  beforeEach(() => {
    world = createWorld();
    door = createFrontDoor(world, { easyAuth: { tenantIds: [olivia.tenantId.toUpperCase()] } });
  });

  const read = (headers: Record<string, string>, as: CallOptions["as"] = "nobody") =>
    door.call("GET", paths.ofSubscription, { as, headers });
  const write = (headers: Record<string, string>) =>
    door.call("DELETE", paths.policy(), { as: "nobody", headers });

  it.each([
    { case: "as the URIs that it maps them to", claims: goodClaims },
    { case: "short, as in a token", claims: [oid(olivia.objectId), tid(olivia.tenantId)] },
    { case: "in both ways, alike", claims: [...goodClaims, oid(olivia.objectId.toUpperCase())] },
  ])("tells who is calling, with claims named $case", async ({ claims }) => {
    expect((await read(signedIn(claims))).status).toBe(200);
  });

  it("tells the very person that a token would", async () => {
    const body = { properties: {} };
    await door.call("PUT", paths.policy(), { as: "olivia", body });
    const headers = { ...signedIn(), "x-requested-with": "page" };
    await door.call("PUT", paths.policy(), { as: "nobody", body, headers });

    const [one, other] = await world.facts();
    expect(one?.actor).toEqual(other?.actor);
    expect(one?.actor).toMatchObject({ objectId: olivia.objectId, name: olivia.name });
  });

  it("tells the application where the sign-in does", async () => {
    const application = "33333333-0000-4000-8000-000000000001";
    const headers = {
      ...signedIn([...goodClaims, { typ: "appid", val: application }]),
      "x-requested-with": "page",
    };
    await door.call("PUT", paths.policy(), { as: "nobody", body: {}, headers });

    expect((await world.facts())[0]?.actor).toMatchObject({ application });
  });

  it.each<[string, Record<string, string>]>([
    ["of another provider", signedIn(goodClaims, "aad", "google")],
    ["that says it is of another provider", signedIn(goodClaims, "google")],
    [
      "without the provider's header",
      { "x-ms-client-principal": encoded({ auth_typ: "aad", claims: goodClaims }) },
    ],
    [
      "of another tenant",
      signedIn([oid(olivia.objectId), tid("99999999-0000-4000-8000-000000000001")]),
    ],
    ["without a tenant", signedIn([oid(olivia.objectId)])],
    ["without an object id", signedIn([tid(olivia.tenantId)])],
    ["whose object id is no GUID", signedIn([oid("' or 1 eq 1"), tid(olivia.tenantId)])],
    ["of two people at once", signedIn([...goodClaims, oid(people.alice.objectId)])],
    [
      "of two tenants at once",
      signedIn([...goodClaims, tid("99999999-0000-4000-8000-000000000001")]),
    ],
    ["that is no JSON", { ...signedIn(), "x-ms-client-principal": "bm90IGpzb24=" }],
    ["that is no base64", { ...signedIn(), "x-ms-client-principal": "{}" }],
    ["that is null", { ...signedIn(), "x-ms-client-principal": encoded(null) }],
    [
      "with claims of another shape",
      {
        ...signedIn(),
        "x-ms-client-principal": encoded({ auth_typ: "aad", claims: { oid: olivia.objectId } }),
      },
    ],
    [
      "sent twice",
      {
        ...signedIn(),
        "x-ms-client-principal": `${signedIn()["x-ms-client-principal"]}, ${signedIn()["x-ms-client-principal"]}`,
      },
    ],
    [
      "with an id in a header of its own only",
      { "x-ms-client-principal-idp": "aad", "x-ms-client-principal-id": olivia.objectId },
    ],
  ])("does not let in a sign-in %s", async (_case, headers) => {
    const reply = await read(headers);

    expect([reply.status, reply.json.error.code]).toEqual([401, "AuthenticationFailed"]);
    expect(reply.text).not.toContain(olivia.objectId);
  });

  it("does not look into a sign-in that is longer than 24,000 characters", async () => {
    const claims = [...goodClaims, { typ: "groups", val: "x".repeat(20_000) }];

    expect((await read(signedIn(claims))).status).toBe(401);
  });

  it("gives way to a bearer token, good or bad", async () => {
    expect((await read(signedIn(), "eve")).json.value).toEqual([]);
    const bad = await door.call("GET", paths.ofSubscription, {
      as: "nobody",
      headers: { ...signedIn(), authorization: "Bearer mallory" },
    });

    expect(bad.status).toBe(401);
  });

  it("gives a name that is for reading, without control characters", async () => {
    const claims = [oid(olivia.objectId), tid(olivia.tenantId), { typ: "upn", val: "oli\r\nvia" }];
    await door.call("PUT", paths.policy(), {
      as: "nobody",
      body: "nonsense",
      headers: { ...signedIn(claims), "sec-fetch-site": "same-origin" },
    });

    expect((await world.facts())[0]?.actor?.name).toBe("olivia");
  });

  it.each<[string, Record<string, string>]>([
    ["nothing", {}],
    ["another site", { "sec-fetch-site": "cross-site" }],
    ["a neighbouring site", { "sec-fetch-site": "same-site" }],
    ["the address bar", { "sec-fetch-site": "none" }],
    [
      "another site, whatever else it sends",
      { "sec-fetch-site": "cross-site", "x-requested-with": "x" },
    ],
    ["a form", { "content-type": "application/x-www-form-urlencoded" }],
  ])(
    "changes nothing when the browser may have been made to call by another site: told %s",
    async (_case, headers) => {
      const reply = await write({ ...signedIn(), ...headers });

      expect([reply.status, reply.json.error.code]).toEqual([403, "CrossSiteRequest"]);
      expect(await world.facts()).toEqual([
        expect.objectContaining({ operation: "service.signIn", outcome: "refused" }),
      ]);
    },
  );

  it.each<[string, Record<string, string>]>([
    ["the browser says that our own page calls", { "sec-fetch-site": "same-origin" }],
    ["a header shows it that a browser asks about first", { "x-ms-client-request-id": "1" }],
    ["another such header shows it", { "x-requested-with": "XMLHttpRequest" }],
  ])("changes things when %s", async (_case, headers) => {
    expect((await write({ ...signedIn(), ...headers })).status).toBe(204);
  });

  it("lets another site's link read, which that site cannot see", async () => {
    expect((await read({ ...signedIn(), "sec-fetch-site": "cross-site" })).status).toBe(200);
  });
});

describe("EasyAuth, while it is off", () => {
  it("is nobody's way in: its headers are anybody's", async () => {
    const door = createFrontDoor(createWorld());

    const reply = await door.call("GET", paths.ofSubscription, {
      as: "nobody",
      headers: { ...signedIn(), "sec-fetch-site": "same-origin" },
    });

    expect(reply.status).toBe(401);
    expect(reply.text).not.toContain(subscriptionId);
  });
});
