import { createRights, type RightsOptions } from "../../src/azure/rights.ts";
import type { Caller } from "../../src/caller/caller.ts";
import { createLog } from "../../src/log.ts";
import { createFixedClock } from "./fixed-clock.ts";
import {
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from "./scripted-server.ts";
import { createStaticCredential } from "./static-credential.ts";

export const subscriptionId = "5b0f2a6e-3c1d-4e7f-9a52-7d1c0e4b8f31";
export const scope = `/subscriptions/${subscriptionId}`;
const authorization = `${scope}/providers/Microsoft.Authorization`;
export const roleId = "1f4d6d20-1a65-5560-a143-a233687c38f9";
export const secondRoleId = "2f4d6d20-1a65-5560-a143-a233687c38f9";
export const tenantId = "0c9d6a1f-84b7-4f0e-b3c5-2e6a9d71f840";
export const otherTenantId = "11111111-84b7-4f0e-b3c5-2e6a9d71f840";
export const alice: Caller = {
  tenantId,
  objectId: "2c65348d-7137-5b97-b703-8ec989ced599",
  name: "alice",
  kind: "user",
};
export const bob: Caller = {
  ...alice,
  objectId: "3c65348d-7137-5b97-b703-8ec989ced599",
  name: "bob",
};

export const assignment = (name: string, role = roleId, condition?: string) => ({
  id: `${authorization}/roleAssignments/${name}`,
  properties: {
    roleDefinitionId: `${authorization}/roleDefinitions/${role}`,
    principalId: "99999999-7137-5b97-b703-8ec989ced599",
    principalType: "Group",
    scope,
    ...(condition === undefined ? {} : { condition, conditionVersion: "2.0" }),
  },
});

export const definition = (key = roleId, permissions: unknown = [{ actions: ["*"] }]) => ({
  id: `/providers/Microsoft.Authorization/roleDefinitions/${key.toUpperCase()}`,
  name: key,
  properties: { permissions },
});

/** Nobody of these may write. */
export const deny = (principals: readonly object[], excludePrincipals: readonly object[] = []) => ({
  id: `${authorization}/denyAssignments/d`,
  properties: {
    denyAssignmentName: "stack lock",
    scope,
    permissions: [{ actions: ["*/write"], notActions: [] }],
    principals,
    excludePrincipals,
  },
});

/** What Azure knows: each a list of one page, or an answer whatever is asked. */
export interface Known {
  assignments: readonly unknown[] | ScriptedAnswer;
  denies: readonly unknown[] | ScriptedAnswer;
  definitions: readonly ReturnType<typeof definition>[] | ScriptedAnswer;
  tenant: string | Exclude<ScriptedAnswer, string>;
}

/** Azure as far as rights go, with answers that no well-behaved cloud gives. Alice and Bob own the subscription. */
export interface ScriptedRights {
  readonly server: ScriptedServer;
  known: Known;
  /** As at the start, with nothing asked for yet. */
  reset(): void;
  answerTo(path: string): ScriptedAnswer;
  /** What was asked for since, oldest first. */
  paths(): readonly string[];
  /** The last segments of those paths, in order of name. */
  asked(): readonly string[];
  rights(more?: Partial<RightsOptions>): ReturnType<typeof rightsOver>;
}

export async function startScriptedRights(): Promise<ScriptedRights> {
  const server = await startScriptedServer();
  let seen = 0;
  const azure: ScriptedRights = {
    server,
    known: owned(),
    reset() {
      azure.known = owned();
      seen = server.requests.length;
      server.answer = ({ path }) => azure.answerTo(path);
    },
    answerTo: (path) => answerFrom(azure.known, path),
    paths: () => server.requests.slice(seen).map(({ path }) => path),
    asked: () =>
      azure
        .paths()
        .map((path) => path.split("?")[0]?.split("/").at(-1) ?? "")
        .toSorted(),
    rights: (more) => rightsOver(server, more),
  };
  azure.reset();
  return azure;
}

const owned = (): Known => ({
  assignments: [assignment("a")],
  denies: [],
  definitions: [definition(), definition(secondRoleId)],
  tenant: tenantId,
});

function answerFrom(azure: Known, path: string): ScriptedAnswer {
  const list = (value: readonly unknown[] | ScriptedAnswer): ScriptedAnswer =>
    Array.isArray(value) ? { status: 200, body: { value } } : (value as ScriptedAnswer);
  if (path.includes("/roleAssignments?")) return list(azure.assignments);
  if (path.includes("/denyAssignments?")) return list(azure.denies);
  if (path.includes("/roleDefinitions?")) return list(azure.definitions);
  const key = /\/roleDefinitions\/([^?]+)/.exec(path)?.[1];
  if (key !== undefined) {
    if (!Array.isArray(azure.definitions)) return azure.definitions as ScriptedAnswer;
    const found = azure.definitions.find(({ name }) => name === key);
    return found === undefined ? { status: 404, body: {} } : { status: 200, body: found };
  }
  const { tenant } = azure;
  return typeof tenant === "object"
    ? tenant
    : { status: 200, body: { subscriptionId, tenantId: tenant } };
}

function rightsOver(server: ScriptedServer, more: Partial<RightsOptions> = {}) {
  const clock = createFixedClock("2026-11-22T12:00:00Z");
  const credential = createStaticCredential("token");
  const logged: string[] = [];
  const rights = createRights({
    credential,
    endpoint: server.url,
    scope: "https://management.azure.com/.default",
    tlsOptions: { ca: server.ca },
    retryDelayMs: 1,
    clock,
    log: createLog((_level, line) => logged.push(line)),
    tenantIds: [tenantId],
    ...more,
  });
  return { rights, clock, credential, logged };
}
