import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Estate } from "../../local/cloud/estate.ts";
import { createTokenVerifier } from "../../src/azure/entra.ts";
import { createRights } from "../../src/azure/rights.ts";
import { everyone } from "../../src/caller/deny.ts";
import { actions } from "../../src/caller/requirements.ts";
import { createLog } from "../../src/log.ts";
import { createFakeRights } from "../support/fake-rights.ts";
import { createFixedClock } from "../support/fixed-clock.ts";
import { getJson } from "../support/https-json.ts";
import { startTestCloud, type TestCloud } from "../support/test-cloud.ts";
import { denied, people, rightsContract, subscription, vmIds } from "./rights.ts";

describe("in memory", () => {
  rightsContract(() => {
    const rights = createFakeRights();
    rights.grant(people.olivia, subscription, ["*"]);
    rights.grant(people.alice, vmIds.linux, [actions.initiate]);
    rights.grant(people.alice, vmIds.windows, [actions.initiate]);
    rights.deny(denied.scope, [denied.action], { name: denied.name });
    return rights;
  });
});

const withDeny = (sample: Estate): Estate => ({
  ...sample,
  denyAssignments: [
    {
      id: `${denied.scope}/providers/Microsoft.Authorization/denyAssignments/lock`,
      name: "lock",
      type: "Microsoft.Authorization/denyAssignments",
      properties: {
        denyAssignmentName: denied.name,
        scope: denied.scope,
        permissions: [{ actions: [denied.action], notActions: [] }],
        principals: [{ id: everyone, type: "SystemDefined" }],
        excludePrincipals: [],
      },
    },
  ],
});

describe("in the pretend cloud", () => {
  let cloud: TestCloud;
  beforeAll(async () => {
    cloud = await startTestCloud({ behaviour: { pageSize: 2 }, estateFrom: withDeny });
  }, 30_000);
  afterAll(() => cloud?.stop());

  rightsContract(() =>
    createRights({
      ...cloud.armOptions,
      clock: createFixedClock("2026-11-22T12:00:00Z"),
      log: createLog(() => undefined),
      tenantIds: [cloud.estate.tenantId],
    }),
  );

  const audience = () => cloud.estate.application.appIdUri;
  const verifier = () =>
    createTokenVerifier({
      authority: cloud.url,
      stsAuthority: cloud.url,
      tenantIds: [cloud.estate.tenantId],
      audiences: [audience()],
      clock: { now: () => new Date(), pause: async () => undefined },
      fetch: async (url) => Response.json(await getJson(url, { ca: cloud.ca })),
    });

  it.each(["1", "2"])("a person's token of version %s is accepted", async (version) => {
    const token = await cloud.personToken("alice", { version });

    expect(await verifier().verify(`Bearer ${token}`)).toEqual({
      outcome: "ok",
      value: {
        tenantId: cloud.estate.tenantId,
        objectId: people.alice.objectId,
        name: "alice@contoso.example",
        kind: "user",
        application: expect.stringMatching(/^[0-9a-f-]{36}$/),
      },
    });
  });

  it.each([
    { case: "an expired token", query: { expiresInSeconds: "-400" } },
    { case: "a token for another service", query: { audience: "api://another" } },
    { case: "a token for Azure itself", query: { audience: "https://management.azure.com" } },
    { case: "a token of another tenant", query: { tenant: people.eve.objectId } },
  ])("$case is refused", async ({ query }) => {
    const token = await cloud.personToken("alice", query);

    expect(await verifier().verify(`Bearer ${token}`)).toMatchObject({
      outcome: "refused",
      reasons: [{ code: "AuthenticationFailed" }],
    });
  });
});
