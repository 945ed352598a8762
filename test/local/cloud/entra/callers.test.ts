import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from "jose";
import type { Entra } from "../../../../local/cloud/entra/entra.ts";
import type { Application, Estate, Person } from "../../../../local/cloud/estate.ts";
import { ARM, ask, createTestEntra, NOW, ORIGIN, tokenOf } from "./asking.ts";
import { SMALL_ESTATE, TENANT } from "./estate.ts";

const ALLIED_TENANT = "77777777-7777-4777-8777-777777777777";
const GRETA: Person = {
  name: "greta",
  displayName: "Greta Guest",
  userPrincipalName: "greta@example.org",
  objectId: "bbbbbbbb-0000-4000-8000-000000000003",
  about: "is of another tenant",
  tenantId: ALLIED_TENANT,
};
const ROBOT: Application = {
  name: "night-robot",
  displayName: "Robot",
  clientId: "66666666-6666-4666-8666-666666666666",
  objectId: "cccccccc-0000-4000-8000-000000000004",
  roles: ["Requests.All"],
  accountEnabled: false,
  about: "asks by itself",
};
const estate: Estate = {
  ...SMALL_ESTATE,
  otherTenants: [ALLIED_TENANT],
  people: [...SMALL_ESTATE.people, GRETA],
  applications: [ROBOT, { ...ROBOT, name: "plain", roles: [] }],
};

let dir: string;
let entra: Entra;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "jit-callers-"));
  entra = await createTestEntra(join(dir, "entra.key.pem"), NOW, estate);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe("an application's token", () => {
  it.each([
    { version: "1", client: { appid: ROBOT.clientId, appidacr: "2" }, ver: "1.0" },
    { version: "2", client: { azp: ROBOT.clientId, azpacr: "2" }, ver: "2.0" },
  ])("speaks for the application itself, in version $version", async ({ version, client, ver }) => {
    const payload = decodeJwt(await tokenOf(entra, "night-robot", { version }));

    expect(payload).toMatchObject({
      ...client,
      ver,
      oid: ROBOT.objectId,
      sub: ROBOT.objectId,
      tid: TENANT,
      idtyp: "app",
      roles: ["Requests.All"],
      aud: estate.application.appIdUri,
    });
    for (const claim of ["scp", "name", "upn", "preferred_username"]) {
      expect(payload).not.toHaveProperty(claim);
    }
  });

  it("is good for ARM too, as what the application is", async () => {
    const token = await tokenOf(entra, "night-robot", { audience: ARM });
    expect(await entra.verifyArmToken(`Bearer ${token}`)).toEqual({
      oid: ROBOT.objectId,
      tid: TENANT,
    });
  });

  it("is offered by name beside the people's", async () => {
    await expect(ask(entra, "/local/tokens/nobody")).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining("alice, eve, greta, night-robot, plain"),
    });
  });
});

describe("a person of another tenant", () => {
  it("has that tenant's tokens, which its own metadata and keys prove", async () => {
    const token = await tokenOf(entra, "greta");
    const { body: metadata } = await ask(
      entra,
      `/${ALLIED_TENANT}/v2.0/.well-known/openid-configuration`,
    );
    const keysPath = String(metadata["jwks_uri"]).slice(ORIGIN.length);
    const { body: keys } = await ask(entra, keysPath);

    const { payload } = await jwtVerify(
      token,
      createLocalJWKSet(keys as unknown as JSONWebKeySet),
      { issuer: String(metadata["issuer"]), currentDate: NOW },
    );

    expect(keysPath).toBe(`/${ALLIED_TENANT}/discovery/v2.0/keys`);
    expect(payload).toMatchObject({ tid: ALLIED_TENANT, oid: GRETA.objectId });
  });

  it("is nobody to this tenant's ARM", async () => {
    const token = await tokenOf(entra, "greta", { audience: ARM });
    await expect(entra.verifyArmToken(`Bearer ${token}`)).rejects.toMatchObject({
      status: 401,
      code: "InvalidAuthenticationTokenTenant",
    });
  });

  it("does not bring the service identity into that tenant", async () => {
    const form = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: estate.serviceIdentity.clientId,
      client_secret: "client secret",
      scope: `${ARM}/.default`,
    });
    const answer = await ask(entra, `/${ALLIED_TENANT}/oauth2/v2.0/token`, {
      method: "POST",
      body: String(form),
    });
    expect(answer).toMatchObject({ status: 400, body: { error: "unauthorized_client" } });
  });
});
