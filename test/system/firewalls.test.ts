import { setTimeout as pauseFor } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import {
  BehindFirewalls,
  eachKind,
  generatedPlace,
  isOurs,
  type Kind,
  office,
  type Place,
  quickFirewalls,
  sample,
  stranger,
  type ToldWindow,
} from "./support/behind-firewalls.ts";
import { type Edited, editBetween } from "./support/firewall-edits.ts";
import { until } from "./user.ts";

// The whole system with its real processes, firewalls that take a second, and real connections through them. All that waits
// for updates and ends of windows waits at once; the tests look at what came of it.
let estate: BehindFirewalls;
let put: Awaited<ReturnType<BehindFirewalls["protect"]>>;
let stories: Readonly<Record<Kind, Story>>;
let edits: Readonly<Record<"first" | "last", Edited>>;
let repairs: Readonly<Record<"removed" | "edited" | "deleted", Repair>>;

const more = {
  first: "classic",
  last: "classic",
  removed: "classic",
  edited: "policy",
  deleted: "policy",
} as const;
const placeOf = (name: keyof typeof more): Place => generatedPlace(name, more[name]);

beforeAll(async () => {
  estate = await BehindFirewalls.start(quickFirewalls({ history: "memory", more }));
  await Promise.all([useSample(), useMore()]);
}, 180_000);

afterAll(async () => {
  await estate?.system.stop();
}, 30_000);

describe("access to a VM behind a firewall, end to end", () => {
  it("answers a change of a policy before the firewalls carry it", () => {
    expect([put.status, put.body.properties.provisioningState]).toEqual([200, "Updating"]);
  });

  it.each(eachKind)("works on the told address and port, and not for strangers (%s)", (kind) => {
    const { short, long, whileOpen } = stories[kind];
    const { vm, publicIpAddress } = sample[kind];

    for (const window of [short, long]) {
      expect(window).toMatchObject({
        publicIpAddress,
        mappedPort: expect.any(Number),
        connection: { command: `ssh -p ${window.mappedPort} ${publicIpAddress}` },
      });
    }
    expect(whileOpen.home).toContain(`${vm}:22`);
    expect(whileOpen.office).toContain(`${vm}:22`);
    expect(whileOpen.stranger).toBe("");
  });

  it.each(eachKind)("is shut when a window's end comes, for that source alone (%s)", (kind) => {
    const { short, afterEnd, shortEnded } = stories[kind];
    const lastedMs = Date.parse(short.closesAt) - Date.parse(short.openedAt ?? "");

    expect(lastedMs).toBe(shortSeconds * 1_000);
    expect(afterEnd.home).toBe("");
    expect(afterEnd.office).toContain(`${sample[kind].vm}:22`);
    expect(shortEnded).toMatchObject({ state: "closed", endReason: "Expired" });
  });

  it.each(eachKind)("is shut when a window is revoked long before its end (%s)", (kind) => {
    const { afterRevoke, guarded, closedGates } = stories[kind];

    expect(afterRevoke.office).toBe("");
    expect(closedGates).toBe(guarded);
  });

  it.each(eachKind)(
    "leaves firewall, policy and group as they were, byte for byte (%s)",
    (kind) => {
      const { original, guarded, left } = stories[kind];

      expect(guarded).not.toBe(original);
      expect(left).toBe(original);
    },
  );

  it.each(eachKind)("is audited step by step, without a repair (%s)", async (kind) => {
    const facts = await estate.user.facts(sample[kind].vm);

    expect(facts.toSorted()).toEqual(
      [
        ...["policy.write asked", "policy.write done", "policy.delete asked", "policy.delete done"],
        ...[...access, ...access, "access.revoke done"],
      ].toSorted(),
    );
  });
});

describe("a firewall that a customer edits", () => {
  it.each([
    ["the read that a write is planned by and the write", "first"],
    ["the last look before a write and the write", "last"],
  ] as const)("keeps the edit when it comes between %s", (_, moment) => {
    const { status, wanted, seen, greeting } = edits[moment];

    expect(status).toBe(200);
    expect(seen).toBe(wanted);
    expect(greeting).toBe("");
  });

  it.each([
    ["is put back where it was removed", "removed", "RuleMissing"],
    ["is put back where it was edited to let everybody in", "edited", "RuleEdited"],
    ["is put back where its whole group was deleted", "deleted", "RuleMissing"],
  ] as const)("has our deny rule that %s, and the audit tells so", (_, what, code) => {
    const { status, guarded, spoilt, healed, told } = repairs[what];

    expect(status).toBeLessThan(300);
    expect(spoilt).not.toBe(guarded);
    expect(healed).toBe(guarded);
    expect(told).toEqual([
      expect.stringMatching(new RegExp(`^asked ${code} JitAccess-\\w{6}-Deny-`)),
      expect.stringMatching(new RegExp(`^done ${code} JitAccess-\\w{6}-Deny-`)),
    ]);
  });
});

const shortSeconds = 7;
const access = [
  "access.initiate asked",
  "access.open asked",
  "access.open done",
  "access.close asked",
  "access.close done",
];

/** Who is greeted by the machine behind the firewall, by the source of the connection; `""` where it is turned away. */
type Greetings = Readonly<Record<"home" | "office" | "stranger", string>>;

/** What is seen of two windows on one port of a VM, one until its end and one that is revoked, in this order. */
interface Story {
  readonly original: string;
  readonly guarded: string;
  readonly short: ToldWindow;
  readonly long: ToldWindow;
  readonly whileOpen: Greetings;
  readonly afterEnd: Greetings;
  readonly shortEnded: ToldWindow;
  readonly afterRevoke: Greetings;
  readonly closedGates: string;
  readonly left: string;
}

async function useSample(): Promise<void> {
  const original = await both((kind) => estate.gates(sample[kind]));
  put = await estate.protect("story", Object.values(sample));
  const parts = await both((kind) => tell("story", sample[kind]));
  await estate.unprotect("story");
  stories = await both(async (kind) => ({
    ...parts[kind],
    original: original[kind],
    left: await estate.gatesAtRest(sample[kind]),
  }));
}

async function tell(policy: string, place: Place): Promise<Omit<Story, "original" | "left">> {
  const guarded = await estate.gates(place);
  const shortId = await estate.ask(policy, place, shortSeconds);
  const longId = await estate.ask(policy, place, 600, office);
  const short = await estate.untilOpen(shortId);
  const long = await estate.untilOpen(longId);
  const whileOpen = await greetings(short, long);
  await pauseFor(Date.parse(short.closesAt) - Date.now());
  const afterEnd = await greetings(short, long);
  const shortEnded = await estate.untilClosed(shortId);
  await estate.user.act("olivia", longId, "revoke");
  await estate.untilClosed(longId);
  return {
    ...{ guarded, short, long, whileOpen, afterEnd, shortEnded },
    afterRevoke: await greetings(short, long),
    closedGates: await estate.gates(place),
  };
}

async function greetings(short: ToldWindow, long: ToldWindow): Promise<Greetings> {
  return {
    home: await estate.greetingOf(short),
    office: await estate.greetingOf(long, office),
    stranger: await estate.greetingOf(long, stranger),
  };
}

async function both<T>(work: (kind: Kind) => Promise<T>): Promise<Record<Kind, T>> {
  const [classic, policy] = await Promise.all([work("classic"), work("policy")]);
  return { classic, policy };
}

/** What a customer did to our rules, and what came of it. */
interface Repair {
  readonly status: number;
  readonly guarded: string;
  readonly spoilt: string;
  readonly healed: string;
  readonly told: readonly string[];
}

async function useMore(): Promise<void> {
  const names = Object.keys(more) as (keyof typeof more)[];
  await estate.protect("more", names.map(placeOf));
  const [first, last, removed, edited, deleted] = await Promise.all([
    editBetween(estate, "more", placeOf("first"), 1),
    editBetween(estate, "more", placeOf("last"), 2),
    repairOf(placeOf("removed"), removeOwnCollections),
    repairOf(placeOf("edited"), editOwnGroup),
    repairOf(placeOf("deleted"), deleteOwnGroup),
  ]);
  edits = { first, last };
  repairs = { removed, edited, deleted };
}

async function repairOf(place: Place, spoil: (place: Place) => Promise<number>): Promise<Repair> {
  const guarded = await estate.gates(place);
  const since = new Date().toISOString();
  const status = await spoil(place);
  const spoilt = await estate.gatesAtRest(place);
  await estate.user.runTimer("healEveryGate");
  const healed = await until(
    () => estate.gates(place),
    (now) => now === guarded,
  );
  return { status, guarded, spoilt, healed, told: await repairsSince(since, place) };
}

/** What the audit tells of repairs of a VM's rules since then, `outcome code rule`, sorted, once one is done. */
async function repairsSince(since: string, { vm }: Place): Promise<readonly string[]> {
  const facts = await estate.sweptUntil(
    async () =>
      (await estate.user.allFacts()).filter(
        ({ operation, at, vmId }) =>
          operation === "gate.repair" && at >= since && vmId === estate.user.vm(vm),
      ),
    (all) => all.some(({ outcome }) => outcome === "done"),
  );
  return facts
    .flatMap(({ outcome, reasons = [] }) =>
      reasons.map(({ code, target }) => `${outcome} ${code} ${target}`),
    )
    .toSorted();
}

/** As a tool does that knows the classic firewall from its own files only. */
async function removeOwnCollections(place: Place): Promise<number> {
  const path = estate.firewallPath(place);
  const { body } = await estate.user.arm(path);
  const theirs = body.properties.networkRuleCollections.filter(
    (one: { readonly name: string }) => !isOurs(one),
  );
  const properties = { ...body.properties, networkRuleCollections: theirs };
  return (await estate.user.armPut(path, { ...body, properties })).status;
}

/** As somebody does who wants in at once: our deny rule speaks of another port. */
async function editOwnGroup(place: Place): Promise<number> {
  const path = await estate.ownGroupPath(place);
  const { body } = await estate.user.arm(path);
  const text = JSON.stringify(body).replaceAll(
    '"destinationPorts":["22"]',
    '"destinationPorts":["23"]',
  );
  return (await estate.user.armPut(path, JSON.parse(text))).status;
}

async function deleteOwnGroup(place: Place): Promise<number> {
  return (await estate.user.armDelete(await estate.ownGroupPath(place), "2024-05-01")).status;
}
