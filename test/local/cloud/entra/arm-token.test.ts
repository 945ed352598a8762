import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { decodeJwt } from "jose";
import { createEntra, type Entra } from "../../../../local/cloud/entra/entra.ts";
import { CloudError } from "../../../../local/cloud/router.ts";
import { ARM, createTestEntra, NOW, ORIGIN, OTHER_TENANT, tokenOf } from "./asking.ts";
import { ALICE, EVE, SMALL_ESTATE, TENANT } from "./estate.ts";

const { application } = SMALL_ESTATE;

let dir: string;
let keyFile: string;
let entra: Entra;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "jit-arm-token-"));
  keyFile = join(dir, "entra.key.pem");
  entra = await createTestEntra(keyFile);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe("ARM's check of a token", () => {
  const refusal = async (header: string | undefined, of = entra) => {
    const problem = await of.verifyArmToken(header).catch((caught: unknown) => caught);
    if (!(problem instanceof CloudError)) throw new Error("the token was accepted");
    return problem;
  };

  it.each([
    ARM,
    `${ARM}/`,
    "https://management.core.windows.net",
    "https://management.core.windows.net/",
    ORIGIN,
    `${ORIGIN}/`,
  ])("accepts a person's token for %s, of either version", async (audience) => {
    for (const version of ["1", "2"]) {
      const token = await tokenOf(entra, "alice", { audience, version });
      const principal = { oid: ALICE.objectId, tid: TENANT };
      expect(await entra.verifyArmToken(`Bearer ${token}`)).toEqual(principal);
      expect(await entra.verifyArmToken(`bearer ${token}`)).toEqual(principal);
    }
  });

  it.each([
    { case: "no header", header: undefined },
    { case: "another scheme", header: "Basic abc" },
    { case: "an empty token", header: "Bearer " },
  ])("asks for authentication on $case", async ({ header }) => {
    const { status, code, headers } = await refusal(header);
    expect({ status, code }).toEqual({ status: 401, code: "AuthenticationFailed" });
    expect(headers["WWW-Authenticate"]).toContain(`authorization_uri="${ORIGIN}/${TENANT}"`);
  });

  it.each([
    { case: "expired", query: { expiresInSeconds: "-1" }, code: "ExpiredAuthenticationToken" },
    { case: "just expiring", query: { expiresInSeconds: "0" }, code: "ExpiredAuthenticationToken" },
    {
      case: "another tenant's",
      query: { tenant: OTHER_TENANT },
      code: "InvalidAuthenticationTokenTenant",
    },
    {
      case: "the application's",
      query: { audience: application.appIdUri },
      code: "InvalidAuthenticationTokenAudience",
    },
    {
      case: "one with a line break in its audience",
      query: { audience: "x\r\nx-evil: 1" },
      code: "InvalidAuthenticationTokenAudience",
    },
  ])("refuses a token that is $case", async ({ query, code }) => {
    const problem = await refusal(
      `Bearer ${await tokenOf(entra, "alice", { audience: ARM, ...query })}`,
    );
    expect({ status: problem.status, code: problem.code }).toEqual({ status: 401, code });
    expect(problem.headers["WWW-Authenticate"]).toMatch(/^Bearer [^\r\n]*error="invalid_token"/);
  });

  it("refuses what another key signed, what was changed and what nobody signed", async () => {
    const forger = await createEntra({
      estate: SMALL_ESTATE,
      issuedFor: () => ORIGIN,
      now: () => NOW,
    });
    const good = await tokenOf(entra, "alice", { audience: ARM });
    const [header = "", payload = "", signature = ""] = good.split(".");
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const asEve = part({ ...decodeJwt(good), oid: EVE.objectId });
    const tokens = [
      await tokenOf(forger, "alice", { audience: ARM }),
      `${header}.${asEve}.${signature}`,
      `${part({ alg: "none", typ: "JWT" })}.${payload}.`,
      `${part({ alg: "HS256", typ: "JWT" })}.${payload}.${signature}`,
      "not.a.token",
      "garbage",
    ];
    for (const token of tokens) {
      expect((await refusal(`Bearer ${token}`)).code).toBe("InvalidAuthenticationToken");
    }
  });

  it("refuses a token once its time is over", async () => {
    const token = await tokenOf(entra, "alice", { audience: ARM });
    const inTime = await createTestEntra(keyFile, new Date(NOW.getTime() + 3_599_000));
    const later = await createTestEntra(keyFile, new Date(NOW.getTime() + 3_601_000));
    expect(await inTime.verifyArmToken(`Bearer ${token}`)).toMatchObject({ tid: TENANT });
    expect((await refusal(`Bearer ${token}`, later)).code).toBe("ExpiredAuthenticationToken");
  });
});
