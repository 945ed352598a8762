import { setTimeout as pauseFor } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { readMachinePorts, tryToConnect } from "../../local/cloud/data-plane/client.ts";
import { RunningSystem } from "../support/running-system.ts";
import { type ArmNsg, type ArmRule, User, until } from "./user.ts";

// What goes on around the service: others write to the same groups, storage is lost, people stay connected.
let system: RunningSystem;
let user: User;

beforeAll(async () => {
  system = await RunningSystem.start({ timing: { nsgWriteMs: 200 } });
  user = new User(system);
}, 60_000);

afterAll(async () => {
  await system?.stop();
}, 30_000);

const vm = "vm-both";
const nic = { name: "nsg-both-nic", group: "rg-demo" };

describe("a group that others write to in the middle of a window", () => {
  it("gets back, with the next look, the rules that a whole write from elsewhere has dropped, and the audit tells which", async () => {
    const original = await user.nsg(nic.name);
    await open("dropped", 8);
    const during = await user.nsg(nic.name);
    const names = ownRulesOf(await nsgOf(nic)).map((rule) => rule.name);
    const droppedAt = new Date().toISOString();

    const dropped = await putWithoutOurs(nic);
    await user.runTimer("healEveryGate");
    const healed = await until(
      () => user.nsg(nic.name),
      (now) => now === during,
    );
    const told = await repairsSince(droppedAt);
    await untilOver("dropped");
    await user.call("sam", "DELETE", user.policy("dropped"));

    expect(dropped).toEqual([]);
    expect(healed).toBe(during);
    expect(told).toEqual(names.map((name) => `done RuleMissing ${name}`).toSorted());
    expect(await user.nsg(nic.name)).toBe(original);
  }, 60_000);

  it("gets a rule of ours put back that was edited by hand to let everybody in", async () => {
    await open("edited", 600);
    const during = await user.nsg(nic.name);
    const allow = ownRulesOf(await nsgOf(nic)).find((rule) => rule.properties.access === "Allow");
    const path = `${user.nsgPath(nic.name)}/securityRules/${allow?.name}`;
    const editedAt = new Date().toISOString();

    await user.armPut(path, { properties: { ...allow?.properties, sourceAddressPrefix: "*" } });
    const edited = await until(
      () => user.nsg(nic.name),
      (now) => now !== during,
    );
    await user.runTimer("healEveryGate");
    const healed = await until(
      () => user.nsg(nic.name),
      (now) => now === during,
    );
    const told = await repairsSince(editedAt);
    await user.call("sam", "DELETE", user.policy("edited"));

    expect(edited).not.toBe(during);
    expect(healed).toBe(during);
    expect(told).toEqual([`done RuleEdited ${allow?.name}`]);
  }, 60_000);

  it("keeps a customer rule that was added meanwhile, letter by letter, when the window closes and the policy goes", async () => {
    await open("added", 3);
    const path = `${user.nsgPath(nic.name)}/securityRules/allow-metrics`;
    const rule = {
      access: "Allow",
      direction: "Inbound",
      priority: 900,
      protocol: "Tcp",
      sourceAddressPrefix: "10.9.0.0/16",
      sourcePortRange: "*",
      destinationAddressPrefix: "*",
      destinationPortRange: "9100",
      description: "Added while a window was open",
    };

    const put = await user.armPut(path, { properties: rule });
    const added = await customerRulesOf(nic);
    await user.runTimer("healEveryGate");
    await untilOver("added");
    await user.call("sam", "DELETE", user.policy("added"));

    expect(put.status).toBe(201);
    expect(added).toContain("allow-metrics");
    expect(await customerRulesOf(nic)).toBe(added);
    expect(ownRulesOf(await nsgOf(nic))).toEqual([]);
  }, 60_000);
});

describe("a person at a closed port", () => {
  it("is let in while a window is open, stays connected when it ends, and is turned away when connecting anew", async () => {
    await user.protect("sam", "connect", [vm]);
    const ports = await readMachinePorts(system.endpoints);
    const port = ports.find(
      ({ virtualMachine, port: number, source }) =>
        virtualMachine === user.vm(vm) && number === 22 && source === "203.0.113.7",
    );
    const connect = () => tryToConnect(port?.address ?? "");

    const before = await connect();
    await ask("connect", 3);
    const during = await connect();
    const echo = await during?.say("hello");
    await untilOver("connect");
    const after = await connect();
    const stillThere = await during?.say("still here");
    during?.end();
    await user.call("sam", "DELETE", user.policy("connect"));

    expect(before).toBeUndefined();
    expect(during?.greeting).toContain("vm-both:22");
    expect(echo).toBe("hello");
    expect(after).toBeUndefined();
    expect(stillThere).toBe("still here");
  }, 60_000);
});

describe("storage that is lost while windows are open", () => {
  it("leaves no port open: rules that are over by their own description go, those that are not stay until they are", async () => {
    const groups = [nic, { name: "nsg-both-subnet", group: "rg-network" }];
    const allows = async () =>
      (await Promise.all(groups.map(nsgOf))).flatMap((group) =>
        ownRulesOf(group).filter((rule) => rule.properties.access === "Allow"),
      );
    const customers = async () => (await Promise.all(groups.map(customerRulesOf))).join("\n");
    const theirs = await customers();
    // With named ends: the rules of a window that counts from when it is open tell a minute more.
    const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1_000);
    await user.protect("sam", "lost", [vm]);
    await user.askUntil("alice", "lost", vm, inSeconds(4));
    await user.askUntil("bob", "lost", vm, inSeconds(21), "198.51.100.9");
    const opened = await until(allows, (rules) => rules.length === 4);
    const since = new Date().toISOString();

    await system.kill("start");
    await system.wipeStorage();
    await pauseFor(3_000);
    await system.startAgain();
    // One window of the two is over, on both of its groups.
    const longer = await until(allows, (rules) => rules.length === opened.length / 2);
    const closesAt = Date.parse(
      /closes (\S+) /.exec(longer[0]?.properties.description ?? "")?.[1] ?? "",
    );
    await user.runTimer("healEveryGate");
    await pauseFor(Math.max(0, closesAt - Date.now()));
    const atItsEnd = await allows();
    await user.runTimer("healEveryGate");
    await until(allows, (rules) => rules.length === 0);
    // A fact follows its proof, which follows the rule.
    const told = await until(
      () => repairsSince(since),
      (facts) => facts.length >= opened.length,
    );

    expect(longer.map((rule) => rule.properties["sourceAddressPrefix"])).toEqual([
      "198.51.100.9",
      "198.51.100.9",
    ]);
    expect(atItsEnd).toEqual(longer);
    expect(told).toEqual(opened.map((rule) => `done RuleOverdue ${rule.name}`).toSorted());
    expect(await customers()).toBe(theirs);
  }, 90_000);
});

interface Place {
  readonly name: string;
  readonly group: string;
}

/** A policy for the VM, and a window of Alice's that is proven open. */
async function open(policy: string, seconds: number): Promise<void> {
  await user.protect("sam", policy, [vm]);
  await ask(policy, seconds);
}

async function ask(policy: string, seconds: number): Promise<void> {
  await user.ask("alice", policy, vm, seconds);
  await until(
    () => user.statuses(policy),
    ([status]) => status === "Initiated",
  );
}

async function untilOver(policy: string): Promise<void> {
  await until(
    () => user.statuses(policy),
    (all) => all.every((status) => status === "Revoked"),
    30_000,
  );
}

async function nsgOf({ name, group }: Place): Promise<ArmNsg> {
  return (await user.arm(user.nsgPath(name, group))).body;
}

const isOurs = (rule: ArmRule): boolean => rule.name.startsWith("JitAccess-");

function ownRulesOf(group: ArmNsg): readonly ArmRule[] {
  return group.properties.securityRules.filter(isOurs);
}

async function customerRulesOf(place: Place): Promise<string> {
  const theirs = (await nsgOf(place)).properties.securityRules.filter((rule) => !isOurs(rule));
  return JSON.stringify(theirs, (key, value) =>
    key === "etag" || key === "provisioningState" ? undefined : value,
  );
}

/** As a tool does that knows the group from its own files only. Answers which of our rules are left when it is done. */
async function putWithoutOurs(place: Place): Promise<readonly ArmRule[]> {
  const group = await nsgOf(place);
  const securityRules = group.properties.securityRules.filter((rule) => !isOurs(rule));
  await user.armPut(user.nsgPath(place.name, place.group), {
    ...group,
    properties: { ...group.properties, securityRules },
  });
  return ownRulesOf(await nsgOf(place));
}

/** What the audit tells of repairs since then, `outcome code rule`, once they are done. */
async function repairsSince(since: string): Promise<readonly string[]> {
  const facts = await until(
    async () =>
      (await user.allFacts()).filter(
        ({ operation, at }) => operation === "gate.repair" && at >= since,
      ),
    (all) => all.some(({ outcome }) => outcome === "done"),
  );
  return facts
    .filter(({ outcome }) => outcome === "done")
    .flatMap(({ outcome, reasons = [] }) =>
      reasons.map(({ code, target }) => `${outcome} ${code} ${target}`),
    )
    .toSorted();
}
