import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  type JSONWebKeySet,
  jwtVerify,
} from "jose";
import { createEntra, type Entra } from "../../../../local/cloud/entra/entra.ts";
import { ARM, ask, createTestEntra, NOW, ORIGIN, OTHER_TENANT, tokenOf } from "./asking.ts";
import { ALICE, EVE, SMALL_ESTATE, TENANT } from "./estate.ts";

const { application, serviceIdentity } = SMALL_ESTATE;

let dir: string;
let keyFile: string;
let entra: Entra;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "jit-entra-"));
  keyFile = join(dir, "keys", "entra.key.pem");
  entra = await createTestEntra(keyFile);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function publishedKeys(of = entra) {
  const { body } = await ask(of, `/${TENANT}/discovery/v2.0/keys`);
  return createLocalJWKSet(body as unknown as JSONWebKeySet);
}

describe("a sample person's token", () => {
  it("is signed RS256 with the published key and meant for the application, as Entra ID's version 2", async () => {
    const token = await tokenOf(entra, "alice");
    const { payload, protectedHeader } = await jwtVerify(token, await publishedKeys(), {
      algorithms: ["RS256"],
      currentDate: NOW,
      issuer: `${ORIGIN}/${TENANT}/v2.0`,
      audience: application.appIdUri,
    });
    expect(protectedHeader.typ).toBe("JWT");
    expect(payload).toMatchObject({
      ver: "2.0",
      tid: TENANT,
      oid: ALICE.objectId,
      preferred_username: "alice@example.com",
      name: "Alice Example",
      scp: "user_impersonation",
      exp: NOW.getTime() / 1000 + 3600,
    });
    expect(payload).toHaveProperty("azp");
    expect(payload.sub).not.toBe(ALICE.objectId);
  });

  it("names the user as Entra ID's version 1 does when that version is asked for", async () => {
    const payload = decodeJwt(await tokenOf(entra, "ALICE", { version: "1" }));
    expect(payload).toMatchObject({
      iss: `${ORIGIN}/${TENANT}/`,
      ver: "1.0",
      upn: "alice@example.com",
      unique_name: "alice@example.com",
      scp: "user_impersonation",
    });
    expect(payload).toHaveProperty("appid");
    expect(payload).not.toHaveProperty("preferred_username");
  });

  it.each([
    { case: "the client id", audience: application.clientId, ver: "2.0" },
    { case: "the App ID URI", audience: application.appIdUri, ver: "2.0" },
    { case: "ARM", audience: ARM, ver: "1.0" },
    { case: "somebody else", audience: "https://graph.microsoft.com", ver: "1.0" },
  ])(
    "for $case has that audience and is of version $ver unless asked",
    async ({ audience, ver }) => {
      expect(decodeJwt(await tokenOf(entra, "eve", { audience }))).toMatchObject({
        aud: audience,
        ver,
        oid: EVE.objectId,
      });
    },
  );

  it("can have expired, and was then valid before", async () => {
    const { exp, nbf, iat } = decodeJwt(await tokenOf(entra, "alice", { expiresInSeconds: "-60" }));
    expect(exp).toBe(NOW.getTime() / 1000 - 60);
    expect(nbf).toBeLessThan(exp ?? 0);
    expect(iat).toBe(nbf);
  });

  it("can come from another tenant, issuer and all", async () => {
    expect(decodeJwt(await tokenOf(entra, "alice", { tenant: OTHER_TENANT }))).toMatchObject({
      tid: OTHER_TENANT,
      iss: `${ORIGIN}/${OTHER_TENANT}/v2.0`,
    });
  });

  it("is refused for somebody unknown, naming those who are known", async () => {
    await expect(ask(entra, "/local/tokens/bob")).rejects.toMatchObject({
      status: 404,
      code: "PersonNotFound",
      message: "There is no 'bob' here, but alice, eve.",
    });
  });

  it.each([
    "version=3",
    "tenant=common",
    "expiresInSeconds=soon",
    "expiresInSeconds=",
    "expiresInSeconds=1e9",
  ])("is refused for %s", async (query) => {
    await expect(ask(entra, `/local/tokens/alice?${query}`)).rejects.toMatchObject({
      status: 400,
      code: "InvalidParameter",
    });
  });
});

describe("metadata", () => {
  it.each([
    { version: "v2", path: `/${TENANT}/v2.0`, issuer: `${ORIGIN}/${TENANT}/v2.0` },
    { version: "v1", path: `/${TENANT}`, issuer: `${ORIGIN}/${TENANT}/` },
    { version: "v2", path: "/common/v2.0", issuer: `${ORIGIN}/${TENANT}/v2.0` },
  ])("of $path names the $version issuer and where its keys are", async ({ path, issuer }) => {
    const { body } = await ask(entra, `${path}/.well-known/openid-configuration`);
    expect(body["issuer"]).toBe(issuer);
    const keys = await ask(entra, String(body["jwks_uri"]).slice(ORIGIN.length));
    expect(keys.body).toEqual({
      keys: [{ kty: "RSA", use: "sig", kid: expect.any(String), n: expect.any(String), e: "AQAB" }],
    });
  });

  it("of another tenant does not exist, in Entra ID's words", async () => {
    const { status, body } = await ask(
      entra,
      `/${OTHER_TENANT}/v2.0/.well-known/openid-configuration`,
    );
    expect({ status, error: body["error"], codes: body["error_codes"] }).toEqual({
      status: 400,
      error: "invalid_tenant",
      codes: [90002],
    });
  });
});

describe("the signing key", () => {
  it("outlives a restart, so tokens do too", async () => {
    const restarted = await createTestEntra(keyFile);
    const before = await tokenOf(entra, "alice");
    const after = await tokenOf(restarted, "alice");
    expect(decodeProtectedHeader(after).kid).toBe(decodeProtectedHeader(before).kid);
    await jwtVerify(before, await publishedKeys(restarted), { currentDate: NOW });
  });

  it("is readable for its owner only", async () => {
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
  });

  it("is one and the same for two clouds that start at once", async () => {
    const file = join(dir, "raced.pem");
    const both = await Promise.all([createTestEntra(file), createTestEntra(file)]);
    const tokens = await Promise.all(both.map((each) => tokenOf(each, "alice")));
    expect(new Set(tokens.map((token) => decodeProtectedHeader(token).kid)).size).toBe(1);
  });

  it("is not replaced when its file is damaged: that is said instead", async () => {
    const file = join(dir, "damaged.pem");
    await writeFile(file, "nonsense");
    await expect(createTestEntra(file)).rejects.toThrow(`${file} holds no private key`);
    expect(await readFile(file, "utf8")).toBe("nonsense");
  });
});

describe("the client credentials grant", () => {
  const good = {
    grant_type: "client_credentials",
    client_id: serviceIdentity.clientId,
    client_secret: "client secret",
    scope: `${ARM}/.default`,
  };
  const grant = (form: Record<string, string>, tenant = TENANT) =>
    ask(entra, `/${tenant}/oauth2/v2.0/token`, {
      method: "POST",
      body: String(new URLSearchParams(form)),
    });

  it("gives the service identity a token for the scope's resource", async () => {
    const { status, body } = await grant(good);
    expect(status).toBe(200);
    expect(decodeJwt(String(body["access_token"]))).toMatchObject({
      aud: ARM,
      oid: serviceIdentity.principalId,
      appid: serviceIdentity.clientId,
    });
  });

  it.each([
    { case: "another tenant", form: good, tenant: OTHER_TENANT, error: "invalid_tenant" },
    {
      case: "another grant",
      form: { ...good, grant_type: "password" },
      error: "unsupported_grant_type",
    },
    {
      case: "another client",
      form: { ...good, client_id: application.clientId },
      error: "unauthorized_client",
    },
    { case: "a wrong secret", form: { ...good, client_secret: "guess" }, error: "invalid_client" },
    {
      case: "a scope of its own making",
      form: { ...good, scope: `${ARM}/read` },
      error: "invalid_scope",
    },
  ])("is refused for $case", async ({ form, tenant, error }) => {
    const { status, body } = await grant(form, tenant);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(body["error"]).toBe(error);
    expect(body).not.toHaveProperty("access_token");
  });

  it("is always refused where no secret was set", async () => {
    const closed = await createEntra({
      estate: SMALL_ESTATE,
      issuedFor: () => ORIGIN,
      now: () => NOW,
      keyFile,
    });
    const { body } = await ask(closed, `/${TENANT}/oauth2/v2.0/token`, {
      method: "POST",
      body: String(new URLSearchParams({ ...good, client_secret: "undefined" })),
    });
    expect(body["error"]).toBe("invalid_client");
  });
});
