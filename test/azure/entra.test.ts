import { beforeAll, describe, expect, it } from "@jest/globals";
import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JSONWebKeySet,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from "jose";
import { createTokenVerifier, type TokenOptions } from "../../src/azure/entra.ts";
import { createFixedClock } from "../support/fixed-clock.ts";

const tenantId = "0c9d6a1f-84b7-4f0e-b3c5-2e6a9d71f840";
const otherTenantId = "11111111-84b7-4f0e-b3c5-2e6a9d71f840";
const objectId = "2c65348d-7137-5b97-b703-8ec989ced599";
const audience = "api://c2cab117-046b-5ebf-9b56-bde185186651";
const clientId = "c2cab117-046b-5ebf-9b56-bde185186651";
const authority = "https://login.microsoftonline.com";
const stsAuthority = "https://sts.windows.net";
const now = "2026-11-22T12:00:00Z";
const seconds = (offset: number): number => Date.parse(now) / 1_000 + offset;

type Key = Awaited<ReturnType<typeof generateKeyPair>>;
let key: Key;
let strangersKey: Key;
let keySet: JSONWebKeySet;

beforeAll(async () => {
  key = await generateKeyPair("RS256", { extractable: true });
  strangersKey = await generateKeyPair("RS256", { extractable: true });
  keySet = { keys: [{ ...(await exportJWK(key.publicKey)), kid: "k1", use: "sig" }] };
});

const goodClaims: JWTPayload = {
  iss: `${authority}/${tenantId}/v2.0`,
  aud: audience,
  tid: tenantId,
  oid: objectId,
  ver: "2.0",
  scp: "user_impersonation",
  preferred_username: "alice@contoso.example",
  nbf: seconds(-600),
  exp: seconds(3_000),
};

/** What is different in version 1. */
const versionOne = { ver: "1.0", iss: `${stsAuthority}/${tenantId}/` };

interface TokenParts {
  readonly kid?: string;
  readonly signedBy?: Key;
}

type Claims = Readonly<Record<string, unknown>>;

/** A good version 2 user token but for what is named. `undefined` leaves a claim out. */
async function aToken(claims: Claims = {}, { kid = "k1", signedBy = key }: TokenParts = {}) {
  const payload = JSON.parse(JSON.stringify({ ...goodClaims, ...claims })) as JWTPayload;
  return await new SignJWT(payload)
    .setProtectedHeader({ alg: "RS256", typ: "JWT", kid })
    .sign(signedBy.privateKey);
}

/** A verifier over a key endpoint that answers with our key set; `asked` lists the addresses fetched. */
function aVerifier(options: Partial<TokenOptions> = {}) {
  const asked: string[] = [];
  const verifier = createTokenVerifier({
    authority,
    stsAuthority,
    tenantIds: [tenantId],
    audiences: [audience],
    clock: createFixedClock(now),
    fetch: async (url) => {
      asked.push(url);
      return Response.json(keySet);
    },
    ...options,
  });
  return { verify: (token: string) => verifier.verify(`Bearer ${token}`), verifier, asked };
}

/** The message of a refusal for a token that is not good. */
async function refusalOf(token: string, options: Partial<TokenOptions> = {}): Promise<string> {
  const outcome = await aVerifier(options).verify(token);

  expect(outcome).toMatchObject({
    outcome: "refused",
    reasons: [{ code: "AuthenticationFailed" }],
  });
  const message = outcome.outcome === "refused" ? (outcome.reasons[0]?.message ?? "") : "";
  const echoed = token.split(".").filter((part) => part.length > 8 && message.includes(part));
  expect(echoed).toEqual([]);
  return message;
}

/** Of the public, the US government's and the Chinese cloud, in the spellings that clients ask for. */
const armAudiences = [
  "https://management.azure.com",
  "https://management.azure.com/",
  "https://management.core.windows.net/",
  "https://management.usgovcloudapi.net/",
  "https://management.core.usgovcloudapi.net",
  "https://management.chinacloudapi.cn",
  "https://management.core.chinacloudapi.cn/",
  "HTTPS://Management.Azure.com//",
  "797f4846-ba00-4fd7-ba43-dac1f8f63013",
];

describe("a bearer token", () => {
  it("of version 2 tells who is calling, by tenant and object id", async () => {
    const { verify, asked } = aVerifier();

    expect(await verify(await aToken())).toEqual({
      outcome: "ok",
      value: { tenantId, objectId, name: "alice@contoso.example", kind: "user" },
    });
    expect(asked).toEqual([`${authority}/${tenantId}/discovery/v2.0/keys`]);
  });

  it("of version 1 has another issuer and is as good", async () => {
    const token = await aToken({
      ver: "1.0",
      iss: `${stsAuthority}/${tenantId}/`,
      upn: "alice@contoso.example",
      preferred_username: undefined,
    });

    expect(await aVerifier().verify(token)).toMatchObject({
      outcome: "ok",
      value: { objectId, name: "alice@contoso.example" },
    });
  });

  it.each([
    { case: "says so itself", claims: { idtyp: "app", azp: clientId } },
    { case: "has roles and no scope", claims: { roles: ["Access.All"], azp: clientId } },
    { case: "has them in version 1", claims: { ...versionOne, roles: ["A"], appid: clientId } },
  ])("belongs to an application when it $case", async ({ claims }) => {
    const token = await aToken({ scp: undefined, preferred_username: undefined, ...claims });

    expect(await aVerifier().verify(token)).toEqual({
      outcome: "ok",
      value: { tenantId, objectId, name: objectId, kind: "application", application: clientId },
    });
  });

  it.each([
    { case: "in version 2", claims: { azp: clientId.toUpperCase() } },
    { case: "in version 1", claims: { ...versionOne, scp: "user_impersonation", appid: clientId } },
  ])("tells the application that a person uses $case", async ({ claims }) => {
    const verified = await aVerifier().verify(await aToken(claims));

    expect(verified).toMatchObject({ value: { kind: "user", application: clientId } });
  });

  it("tells no application where the claim is no id", async () => {
    const verified = await aVerifier().verify(await aToken({ azp: "my app" }));

    expect(verified).toMatchObject({ outcome: "ok" });
    expect(verified).not.toHaveProperty("value.application");
  });

  it.each<[string, Claims]>([
    ["with roles", { roles: ["Access.All"] }],
    ["of version 1 with roles", { ...versionOne, roles: ["Access.All"] }],
    ["that calls itself an application's", { idtyp: "app" }],
  ])("that is a person's ID token %s, meant for us as it is, is refused", async (_case, claims) => {
    const token = await aToken({ aud: clientId, scp: undefined, ...claims });

    expect(await refusalOf(token, { audiences: [clientId] })).toContain("no access token");
  });

  it("with neither scope nor roles is refused", async () => {
    expect(await refusalOf(await aToken({ scp: undefined }))).toContain("scp");
  });

  it("gives a name for people to read, without control characters or endless length", async () => {
    const preferred_username = `ali\u0000ce\r\n\u202E${"x".repeat(1_000)}`;

    const outcome = await aVerifier().verify(await aToken({ preferred_username }));

    expect(outcome).toMatchObject({ value: { name: `alice${"x".repeat(251)}` } });
  });

  it("is checked with keys that are fetched once for many", async () => {
    const { verify, asked } = aVerifier();

    await Promise.all([verify(await aToken()), verify(await aToken())]);
    await verify(await aToken());

    expect(asked).toHaveLength(1);
  });

  it("may be five minutes early or late, as clocks differ, and no more", async () => {
    const { verify } = aVerifier();

    expect(await verify(await aToken({ exp: seconds(-299) }))).toMatchObject({ outcome: "ok" });
    expect(await verify(await aToken({ nbf: seconds(299) }))).toMatchObject({ outcome: "ok" });
    expect(await refusalOf(await aToken({ exp: seconds(-301) }))).toBe(
      "The token has expired. Get a new one.",
    );
    expect(await refusalOf(await aToken({ nbf: seconds(301) }))).toContain("not valid yet");
  });

  it("made for Azure Resource Manager is refused with a hint which one to ask for", async () => {
    for (const aud of armAudiences) {
      expect(await refusalOf(await aToken({ aud }))).toBe(
        `The token is meant for Azure Resource Manager. Ask for one whose audience is '${audience}'.`,
      );
    }
  });

  const wrongTokens: { case: string; claims: Claims; says: string }[] = [
    { case: "another service", claims: { aud: "api://another" }, says: "another service" },
    { case: "nobody", claims: { aud: undefined }, says: "audience" },
    {
      case: "a tenant we do not accept",
      claims: { tid: otherTenantId, iss: `${authority}/${otherTenantId}/v2.0` },
      says: "tenant",
    },
    {
      case: "our tenant by a foreign issuer",
      claims: { iss: `${authority}/${otherTenantId}/v2.0` },
      says: "issuer",
    },
    {
      case: "version 2 by version 1's issuer",
      claims: { iss: `${stsAuthority}/${tenantId}/` },
      says: "issuer",
    },
    { case: "no tenant", claims: { tid: undefined }, says: "tid" },
    { case: "an unknown version", claims: { ver: "3.0" }, says: "ver" },
    { case: "no object", claims: { oid: undefined }, says: "oid" },
    { case: "an object that is no GUID", claims: { oid: "x' or 1 eq 1" }, says: "oid" },
    { case: "ever", claims: { exp: undefined }, says: "exp" },
  ];
  it.each(wrongTokens)("for $case is refused", async ({ claims, says }) => {
    expect(await refusalOf(await aToken(claims))).toContain(says);
  });

  it("signed by a stranger is refused, also when it names our key", async () => {
    expect(await refusalOf(await aToken({}, { signedBy: strangersKey }))).toContain("signed");
    expect(await refusalOf(await aToken({}, { kid: "unknown" }))).toContain("signed");
  });

  it("whose claims were exchanged after signing is refused", async () => {
    const [header, , signature] = (await aToken()).split(".");
    const [, body] = (await aToken({ oid: otherTenantId })).split(".");

    expect(await refusalOf(`${header}.${body}.${signature}`)).toContain("signed");
  });

  it("without a signature (alg none) is refused", async () => {
    expect(await refusalOf(new UnsecuredJWT(goodClaims).encode())).toContain("RS256");
  });

  it("signed with our public key as a shared secret (HS256) is refused", async () => {
    const secret = new TextEncoder().encode(await exportSPKI(key.publicKey));
    const token = await new SignJWT(goodClaims)
      .setProtectedHeader({ alg: "HS256", kid: "k1" })
      .sign(secret);

    expect(await refusalOf(token)).toContain("RS256");
  });

  it.each([
    { case: "no text at all", token: "" },
    { case: "no JSON web token", token: "abc" },
    { case: "empty parts", token: ".." },
    { case: "parts that are no JSON", token: "YWJj.YWJj.YWJj" },
  ])("that is $case is refused", async ({ token }) => {
    expect(await refusalOf(token)).not.toBe("");
  });

  it("longer than 16 KiB is refused before anybody looks into it", async () => {
    const { asked, verify } = aVerifier();

    const outcome = await verify(await aToken({ filler: "x".repeat(20_000) }));

    expect(outcome).toMatchObject({ outcome: "refused" });
    expect(asked).toEqual([]);
  });

  it("is needed: no header, or another kind of it, is refused", async () => {
    const { verifier } = aVerifier();

    for (const header of [undefined, "", "Basic YTpi", "Bearer", "Bearer a b"]) {
      expect(await verifier.verify(header)).toMatchObject({
        outcome: "refused",
        reasons: [{ code: "AuthenticationFailed" }],
      });
    }
  });

  it("cannot be judged while the keys cannot be fetched: that is a fault, no refusal", async () => {
    const token = await aToken();
    const down = aVerifier({ fetch: () => Promise.reject(new TypeError("fetch failed")) });
    const faulty = aVerifier({ fetch: async () => new Response("busy", { status: 503 }) });

    await expect(down.verify(token)).rejects.toThrow("fetch failed");
    await expect(faulty.verify(token)).rejects.toThrow();
  });

  it("of a key that names another place to fetch keys from is judged by the tenant's keys alone", async () => {
    const { verify, asked } = aVerifier();
    const evil = "https://evil.example/keys";
    const jwk = await exportJWK(strangersKey.publicKey);
    const token = await new SignJWT(goodClaims)
      .setProtectedHeader({ alg: "RS256", kid: "evil", jku: evil, x5u: evil, jwk })
      .sign(strangersKey.privateKey);

    expect(await verify(token)).toMatchObject({ outcome: "refused" });
    expect(new Set(asked)).toEqual(new Set([`${authority}/${tenantId}/discovery/v2.0/keys`]));
  });

  it("of each of several allowed tenants is checked with that tenant's keys and issuer", async () => {
    const { verify, asked } = aVerifier({ tenantIds: [tenantId, otherTenantId.toUpperCase()] });
    const theirs = { tid: otherTenantId, iss: `${authority}/${otherTenantId}/v2.0` };

    expect(await verify(await aToken())).toMatchObject({ value: { tenantId } });
    expect(await verify(await aToken(theirs))).toMatchObject({
      value: { tenantId: otherTenantId },
    });
    expect(await verify(await aToken({ tid: otherTenantId }))).toMatchObject({
      outcome: "refused",
    });
    expect(asked).toHaveLength(2);
  });

  it("of a foreign tenant does not make us fetch anything", async () => {
    const { verify, asked } = aVerifier();

    await verify(await aToken({ tid: otherTenantId }));

    expect(asked).toEqual([]);
  });
});

describe("a token verifier", () => {
  it.each(armAudiences)("does not accept %s of Azure Resource Manager as its own", (arm) => {
    expect(() => aVerifier({ audiences: [audience, arm] })).toThrow("service's own");
  });
});
