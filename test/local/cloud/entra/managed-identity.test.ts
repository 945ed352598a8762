import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClientSecretCredential, ManagedIdentityCredential } from "@azure/identity";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { decodeJwt } from "jose";
import { createEntra, type Entra } from "../../../../local/cloud/entra/entra.ts";
import { createLocalCa, type LocalCa } from "../../../../local/tls.ts";
import { ask } from "./asking.ts";
import { SMALL_ESTATE, TENANT } from "./estate.ts";
import { type Served, serve } from "./serve.ts";

const { principalId, clientId } = SMALL_ESTATE.serviceIdentity;
const ARM_SCOPE = "https://management.azure.com/.default";
const SERVICE = { oid: principalId, appid: clientId, tid: TENANT, idtyp: "app" };

let dir: string;
let tls: LocalCa;
let entra: Entra;
let cloud: Served;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "jit-msi-"));
  tls = await createLocalCa(dir);
  cloud = await serve(
    () => entra.routes,
    tls,
    (header) => entra.verifyArmToken(header),
  );
  entra = await createEntra({
    estate: SMALL_ESTATE,
    issuedFor: () => cloud.origin,
    now: () => new Date(),
    identityHeader: "secret",
    clientSecret: "s3cret",
  });
});
afterAll(async () => {
  await cloud.close();
  await rm(dir, { recursive: true, force: true });
});

// The credential reads where it runs from the environment when it is made, as it does in App Service.
beforeEach(() => {
  process.env["IDENTITY_ENDPOINT"] = `${cloud.origin}/local/msi/token`;
  process.env["IDENTITY_HEADER"] = "secret";
});
afterEach(() => {
  delete process.env["IDENTITY_ENDPOINT"];
  delete process.env["IDENTITY_HEADER"];
});

const trust = () => ({ tlsOptions: { ca: tls.ca }, retryOptions: { maxRetries: 0 } });

describe("@azure/identity, unmodified", () => {
  it("gets the app's own identity a token that ARM accepts", async () => {
    const credential = new ManagedIdentityCredential(trust());
    const { token, expiresOnTimestamp } = await credential.getToken(ARM_SCOPE);
    expect(decodeJwt(token)).toMatchObject({ aud: "https://management.azure.com", ...SERVICE });
    expect(decodeJwt(token)).not.toHaveProperty("scp");
    expect(expiresOnTimestamp).toBeGreaterThan(Date.now() + 23 * 3_600_000);
    expect(await entra.verifyArmToken(`Bearer ${token}`)).toEqual({
      oid: principalId,
      tid: TENANT,
    });
  });

  it("gets a token for the identity named by its client id", async () => {
    const credential = new ManagedIdentityCredential({ clientId, ...trust() });
    expect(decodeJwt((await credential.getToken(ARM_SCOPE)).token)).toMatchObject(SERVICE);
  });

  it("is refused a token for any other identity", async () => {
    const other = SMALL_ESTATE.application.clientId;
    const credential = new ManagedIdentityCredential({ clientId: other, ...trust() });
    await expect(credential.getToken(ARM_SCOPE)).rejects.toThrow(
      "No User Assigned or Delegated Managed Identity found",
    );
  });

  it("gets the service identity a token for a client secret too", async () => {
    const credential = new ClientSecretCredential(TENANT, clientId, "s3cret", {
      authorityHost: cloud.origin,
      disableInstanceDiscovery: true,
      ...trust(),
    });
    expect(decodeJwt((await credential.getToken(ARM_SCOPE)).token)).toMatchObject(SERVICE);
  });
});

describe("the managed-identity endpoint", () => {
  const good = { "api-version": "2019-08-01", resource: "https://vault.azure.net" };
  const order = (query: Record<string, string>, headers: Record<string, string>, of = entra) =>
    ask(of, `/local/msi/token?${new URLSearchParams(query)}`, { headers });

  it("answers in App Service's shape", async () => {
    const answer = await order(good, { "x-identity-header": "secret" });
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      expires_on: expect.stringMatching(/^\d{10}$/),
      resource: "https://vault.azure.net",
      token_type: "Bearer",
      client_id: clientId,
    });
  });

  it.each([
    { case: "no header", headers: {}, query: good, status: 401 },
    { case: "a wrong header", headers: { "x-identity-header": "guess" }, query: good, status: 401 },
    { case: "no resource", query: { ...good, resource: "" }, status: 400 },
    { case: "another API version", query: { ...good, "api-version": "2017-09-01" }, status: 400 },
    { case: "another identity", query: { ...good, object_id: clientId }, status: 400 },
    { case: "an identity by resource id", query: { ...good, mi_res_id: "/x" }, status: 400 },
  ])("refuses $case", async ({ query, status, headers = { "x-identity-header": "secret" } }) => {
    await expect(order(query, headers)).rejects.toMatchObject({ name: "CloudError", status });
  });

  it("serves nobody where no header was set", async () => {
    const closed = await createEntra({
      estate: SMALL_ESTATE,
      issuedFor: () => cloud.origin,
      now: () => new Date(),
    });
    for (const headers of [{}, { "x-identity-header": "undefined" }]) {
      await expect(order(good, headers, closed)).rejects.toMatchObject({ status: 401 });
    }
  });
});
