import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createRights } from "../../src/azure/rights.ts";
import type { Caller } from "../../src/caller/caller.ts";
import { createLog } from "../../src/log.ts";
import type { Rights } from "../../src/ports.ts";
import {
  alice,
  anAccessRequest,
  aPolicy,
  aWindow,
  noon,
  requestId,
  subscriptionId,
  vmId,
} from "../support/builders.ts";
import { createFixedClock } from "../support/fixed-clock.ts";
import { createFrontDoor, paths, type Reply } from "../support/front-door.ts";
import { callerWith, holders, roles, scopes, withEveryRole } from "../support/role-estate.ts";
import { startTestCloud, type TestCloud } from "../support/test-cloud.ts";
import { bothWebVms, createWorld, type World } from "../support/world.ts";

/**
 * What each role lets its holder do, written down by hand from Azure's documentation: what is in the role, and what Microsoft
 * says each act of just-in-time VM access needs. The policy is in the resource group shop, with web-1 and web-2.
 *
 * A cell has four answers, for the role assigned at the VM web-1, the resource group shop, the subscription, and a management
 * group above it; nobody's has one. "y" is yes, "." no: 403, or a list without anything. A digit says how many VMs are
 * shown, or how many of four facts: web-1's, web-2's, the policy's, the subscription's; of Alice's request for both VMs, how
 * many are shown. "n" is 404; "f" is 403 because the caller is not the one who asked, an approver or whoever may configure; "c"
 * is 409: there is nothing to review.
 */
const expected = `
                              Owner Contributor Reader SecurityAdmin SecurityReader configure request read nobody
list of the subscription      1222  1222        1222   1222          1222           ....      1222    1222 .
list of the location          1222  1222        1222   1222          1222           ....      1222    1222 .
list of the group             1222  1222        1222   1222          1222           ....      1222    1222 .
list of group and location    1222  1222        1222   1222          1222           ....      1222    1222 .
read the policy               1222  1222        1222   1222          1222           ....      1222    1222 .
read one that is not there    .nnn  .nnn        .nnn   .nnn          .nnn           ....      .nnn    .nnn .
put both VMs under it         .yyy  .yyy        ....   ....          ....           .yyy      ....    .... .
put a new one for web-1       .yyy  .yyy        ....   ....          ....           .yyy      ....    .... .
put web-1 under one elsewhere ..yy  ..yy        ....   ....          ....           ..yy      ....    .... .
delete the policy             .yyy  .yyy        ....   ....          ....           ....      ....    .... .
delete one that is not there  .yyy  .yyy        ....   .yyy          ....           ....      ....    .... .
ask for web-1                 yyyy  yyyy        ....   ....          ....           ....      yyyy    yyyy .
ask for web-1 and web-2       .yyy  .yyy        ....   ....          ....           ....      .yyy    .yyy .
plan to put both VMs          .yyy  .yyy        ....   ....          ....           .yyy      ....    .... .
plan to ask for web-1         yyyy  yyyy        ....   ....          ....           ....      yyyy    yyyy .
plan to ask for web-2         .yyy  .yyy        ....   ....          ....           ....      .yyy    .yyy .
numbers of web-1              1111  1111        1111   1111          1111           ....      1111    1111 .
numbers of the policy         1222  1222        1222   1222          1222           ....      1222    1222 .
numbers of the subscription   1222  1222        1222   1222          1222           ....      1222    1222 .
activity of web-1             1111  1111        1111   1111          1111           ....      1111    1111 .
activity of web-2             .111  .111        .111   .111          .111           ....      .111    .111 .
activity of the subscription  1344  1344        1344   1344          1344           ....      1344    1344 .
activity of Alice             1344  1344        1344   1344          1344           ....      1344    1344 .
activity of it as a file      1344  1344        1344   1344          1344           ....      1344    1344 .
export of the subscription    ..44  ..44        ..44   ..44          ..44           ....      ..44    ..44 .
verify the subscription       ..yy  ..yy        ..yy   ..yy          ..yy           ....      ..yy    ..yy .
requests of the subscription  1222  1222        1222   1222          1222           .222      1222    1222 .
read a request                1222  1222        1222   1222          1222           n222      1222    1222 n
evidence of it                1222  1222        1222   1222          1222           n222      1222    1222 n
approve it                    ffff  ffff        ffff   ffff          ffff           nfff      ffff    ffff n
deny it                       ffff  ffff        ffff   ffff          ffff           nfff      ffff    ffff n
extend it                     ffff  ffff        ffff   ffff          ffff           nfff      ffff    ffff n
rebind it                     ffff  ffff        ffff   ffff          ffff           nfff      ffff    ffff n
end it                        fyyy  fyyy        ffff   fyyy          ffff           nyyy      ffff    ffff n
review it                     fccc  fccc        ffff   fccc          ffff           nccc      ffff    ffff n
`;

const terms = {
  number: 22,
  protocol: "TCP",
  allowedSourceAddressPrefix: "203.0.113.0/24",
  maxRequestAccessDuration: "PT3H",
};
const policyOf = (...names: readonly string[]) => ({
  properties: { virtualMachines: names.map((name) => ({ id: vmId(name), ports: [terms] })) },
});
const requestOf = (...names: readonly string[]) => ({
  virtualMachines: names.map((name) => ({
    id: vmId(name),
    ports: [{ number: 22, duration: "PT1H", allowedSourceAddressPrefix: "203.0.113.7" }],
  })),
});

/** A call, and what it tells: one letter, or all of an answer that nobody reckoned with. */
interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly tell: (reply: Reply) => string;
}
const get = (path: string, tell: Asked["tell"]): Asked => ({ method: "GET", path, tell });
const change = (method: string, path: string, status: number, body?: unknown): Asked => ({
  method,
  path,
  body,
  tell: (reply) => letter(reply, reply.status === status ? "y" : undefined),
});

/** A policy in a resource group beside that of the VMs. */
const elsewhere = paths.policy("other").replace("resourceGroups/shop", "resourceGroups/lab");

const calls: Readonly<Record<string, Asked>> = {
  "list of the subscription": get(paths.ofSubscription, listed),
  "list of the location": get(paths.ofLocation("westeurope"), listed),
  "list of the group": get(paths.ofGroup("shop"), listed),
  "list of group and location": get(paths.policy().replace(/\/[^/]+$/, ""), listed),
  "read the policy": get(paths.policy(), shown),
  "read one that is not there": get(paths.policy("other"), shown),
  "put both VMs under it": change("PUT", paths.policy(), 200, policyOf("web-1", "web-2")),
  "put a new one for web-1": change("PUT", paths.policy("other"), 200, policyOf("web-1")),
  "put web-1 under one elsewhere": change("PUT", elsewhere, 200, policyOf("web-1")),
  "delete the policy": change("DELETE", paths.policy(), 200),
  "delete one that is not there": change("DELETE", paths.policy("other"), 204),
  "ask for web-1": change("POST", paths.initiate(), 202, requestOf("web-1")),
  "ask for web-1 and web-2": change("POST", paths.initiate(), 202, requestOf("web-1", "web-2")),
  "plan to put both VMs": change("POST", paths.plan(), 200, policyOf("web-1", "web-2")),
  "plan to ask for web-1": change("POST", paths.plan(), 200, requestOf("web-1")),
  "plan to ask for web-2": change("POST", paths.plan(), 200, requestOf("web-2")),
  "numbers of web-1": get(`${paths.numbers}?vm=${vmId("web-1")}`, machinesListed),
  "numbers of the policy": get(`${paths.numbers}?policyId=${aPolicy().id}`, machinesListed),
  "numbers of the subscription": get(
    `${paths.numbers}?subscriptionId=${subscriptionId}`,
    machinesListed,
  ),
  "activity of web-1": get(`${paths.activity}?vm=${vmId("web-1")}`, facts),
  "activity of web-2": get(`${paths.activity}?vm=${vmId("web-2")}`, facts),
  "activity of the subscription": get(`${paths.activity}?subscriptionId=${subscriptionId}`, facts),
  "activity of Alice": get(`${paths.activity}?requestor=${alice.objectId}`, facts),
  "activity of it as a file": get(
    `${paths.activity}?format=ndjson&subscriptionId=${subscriptionId}`,
    lines,
  ),
  "export of the subscription": get(
    `${paths.activityExport}?subscriptionId=${subscriptionId}`,
    lines,
  ),
  "verify the subscription": get(
    `${paths.verifyActivity}?subscriptionId=${subscriptionId}`,
    (reply) => letter(reply, reply.json?.verified === true ? "y" : undefined),
  ),
  "requests of the subscription": get(
    `${paths.requests}?subscriptionId=${subscriptionId}`,
    windowsListed,
  ),
  "read a request": get(paths.request(requestId), windowsShown),
  "evidence of it": get(paths.evidence(requestId), windowsShown),
  "approve it": change("POST", paths.request(requestId, "approve"), 200),
  "deny it": change("POST", paths.request(requestId, "deny"), 200),
  "extend it": change("POST", paths.request(requestId, "extend"), 202, { duration: "PT2H" }),
  "rebind it": change("POST", paths.request(requestId, "rebind"), 202),
  "end it": change("POST", paths.request(requestId, "revoke"), 202),
  "review it": change("POST", paths.request(requestId, "review"), 200),
};

function letter(reply: Reply, yes: string | undefined): string {
  if (yes !== undefined) {
    return yes === "0" ? "." : yes;
  }
  const code = reply.json?.error?.code;
  const refusals: Readonly<Record<string, string>> = {
    "403 AuthorizationFailed": ".",
    "403 NotAnApprover": "f",
    "403 NotTheRequestor": "f",
    "404 ResourceNotFound": "n",
    "409 NothingToReview": "c",
  };
  return refusals[`${reply.status} ${code}`] ?? `${reply.status} ${reply.text}`;
}

/** How many VMs all policies of a list show. */
function listed(reply: Reply): string {
  const policies: readonly { properties: { virtualMachines: readonly unknown[] } }[] =
    reply.json?.value;
  const count = policies?.reduce((sum, each) => sum + each.properties.virtualMachines.length, 0);
  return letter(reply, reply.status === 200 ? String(count) : undefined);
}

function shown(reply: Reply): string {
  const count = reply.json?.properties?.virtualMachines?.length;
  return letter(reply, reply.status === 200 ? String(count) : undefined);
}

/** How many VMs numbers are told of. */
function machinesListed(reply: Reply): string {
  return letter(reply, reply.status === 200 ? String(reply.json?.value?.length) : undefined);
}

/** How many windows all requests of a list show. */
function windowsListed(reply: Reply): string {
  const requests: readonly { windows: readonly unknown[] }[] = reply.json?.value;
  const count = requests?.reduce((sum, each) => sum + each.windows.length, 0);
  return letter(reply, reply.status === 200 ? String(count) : undefined);
}

function windowsShown(reply: Reply): string {
  return letter(reply, reply.status === 200 ? String(reply.json?.windows?.length) : undefined);
}

/** Facts that the world was given; what its own story left is not counted. */
function facts(reply: Reply): string {
  const given = reply.json?.value?.filter(({ id }: { id: string }) => id.startsWith("given-"));
  return letter(reply, reply.status === 200 ? String(given.length) : undefined);
}

/** As `facts`, of a file with a line for each. */
function lines(reply: Reply): string {
  const given = reply.text.split("\n").filter((line) => line.includes('"id":"given-'));
  return letter(reply, reply.status === 200 ? String(given.length) : undefined);
}

const given = [
  { id: "given-1", vmId: vmId("web-1"), policyId: aPolicy().id },
  { id: "given-2", vmId: vmId("web-2"), policyId: aPolicy().id },
  { id: "given-3", policyId: aPolicy().id },
  { id: "given-4" },
];

async function aWorld(tenantId = alice.tenantId): Promise<World> {
  const world = createWorld();
  await world.protect({ virtualMachines: bothWebVms });
  await world.request(
    anAccessRequest({
      windows: ["web-1", "web-2"].map((name, index) =>
        aWindow({ id: `${requestId}-${index}-22`, vmId: vmId(name), state: "open" }),
      ),
    }),
  );
  await world.activity.record(
    given.map((fact) => ({
      ...fact,
      actor: { ...alice, tenantId },
      version: 1,
      at: noon.toISOString(),
      operation: "policy.write",
      outcome: "done",
      subscriptionId,
    })),
  );
  return world;
}

describe("what a role lets its holders do, be they people, members of groups or applications", () => {
  let cloud: TestCloud;
  let rights: Rights;
  let readWorld: World;
  /** Of the calls that change something: a refusal leaves nothing behind but its fact, so it serves until one is done. */
  let unchanged: World | undefined;
  beforeAll(async () => {
    cloud = await startTestCloud({ estateFrom: withEveryRole });
    readWorld = await aWorld(cloud.estate.tenantId);
    rights = createRights({
      ...cloud.armOptions,
      clock: createFixedClock(noon.toISOString()),
      log: createLog(() => undefined),
      tenantIds: [cloud.estate.tenantId],
    });
  }, 30_000);
  afterAll(() => cloud?.stop());

  async function answerTo(asked: Asked, caller: Caller): Promise<string> {
    // Azure is asked here: inside the call time is virtual, and waits for nothing real.
    await rights.of(caller, subscriptionId);
    const { method, path, body, tell } = asked;
    const isReading = method === "GET";
    const world = isReading ? readWorld : (unchanged ?? (await aWorld()));
    const reply = await createFrontDoor(world, { rights }).call(method, path, { as: caller, body });
    if (!isReading) {
      unchanged = reply.status >= 400 ? world : undefined;
    }
    return tell(reply);
  }

  const [, ...rows] = expected.split("\n").filter((line) => line !== "");
  const table = rows.map((row) => {
    const [, name = "", cells = ""] = /^(.{29}) (.*)$/.exec(row) ?? [];
    return { name: name.trim(), cells: cells.trim().split(/ +/) };
  });

  it("is written down for every call, role and scope", () => {
    expect(table.map(({ name }) => name)).toEqual(Object.keys(calls));
    expect(table.flatMap(({ cells }) => cells.map(({ length }) => length))).toEqual(
      table.flatMap(() => [...roles.map(() => scopes.length), 1]),
    );
  });

  describe.each(table)("$name", ({ name, cells }) => {
    const cases = [...roles, "nobody"].flatMap((role, roleAt) =>
      (role === "nobody" ? ["no scope"] : scopes).map((scope, scopeAt) => {
        const answer = cells[roleAt]?.[scopeAt];
        return { role, roleAt, scope, scopeAt, answer };
      }),
    );

    it.each(cases)("$role at $scope: $answer", async ({ roleAt, scopeAt, answer }) => {
      const asked = calls[name];
      const told: string[] = [];
      for (const holder of holders) {
        const caller = callerWith(cloud.estate.tenantId, roleAt, scopeAt, holder);
        told.push(asked === undefined ? "not called" : await answerTo(asked, caller));
      }

      expect(told).toEqual(holders.map(() => answer));
    });
  });
});
