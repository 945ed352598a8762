import { setTimeout as pauseFor } from "node:timers/promises";
import { namesOf, withGeneratedVms } from "../../support/generated-estate.ts";
import type { RunningSystem, SystemOptions } from "../../support/running-system.ts";
import { type FaultCase, locationOf, ordersOf } from "./fault-cases.ts";
import { FaultWatch, type Groups, type ToldFact } from "./fault-watch.ts";
import { Followed } from "./followed.ts";
import { windowsOf } from "./life-calls.ts";

/** What became of a case. */
export interface CaseEnd {
  readonly followed: Followed;
  /** Of the VM's accesses, oldest first. */
  readonly facts: readonly ToldFact[];
  /** How often the fault struck. */
  readonly struck: number;
}

const ports = [22, 3389, 5985];
const pauseMs = 400;
const quietMs = 600;

/** The estate for these cases, and a pretend Azure that is quick and throttles nobody by itself. */
export function systemFor(cases: readonly FaultCase[]): SystemOptions {
  const vms = cases.map((one) => ({ name: one.vm, location: locationOf(one) }));
  return {
    timing: { nsgWriteMs: 100 },
    history: "memory",
    change: (sample) => ({
      ...withGeneratedVms(sample, vms),
      behaviour: { ...sample.behaviour, throttlingScale: 10_000, pageSize: 10_000 },
    }),
  };
}

/** Many requests side by side, each with a VM and a fault of its own, followed from the asking to the end. */
export class FaultRun {
  readonly watch: FaultWatch;
  readonly cases: readonly FaultCase[];
  /** What has been seen of each case, in their order. */
  readonly seen: readonly Followed[];
  /** The VM of every fault armed, in the order of arming. */
  readonly #armed: string[] = [];
  #groups: Groups;

  private constructor(watch: FaultWatch, cases: readonly FaultCase[], groups: Groups) {
    this.watch = watch;
    this.cases = cases;
    this.#groups = groups;
    this.seen = cases.map((one) => new Followed(one, groups));
  }

  /** Puts every VM under a policy. */
  static async prepare(system: RunningSystem, cases: readonly FaultCase[]): Promise<FaultRun> {
    const watch = await FaultWatch.on(system.endpoints);
    const terms = {
      protocol: "TCP",
      allowedSourceAddressPrefix: "*",
      maxRequestAccessDuration: "PT3H",
    };
    await Promise.all(
      [...Map.groupBy(cases, locationOf)].map(([location, there]) =>
        watch.call("PUT", watch.policyPath("faults", location), {
          kind: "Basic",
          properties: {
            virtualMachines: there.map(({ vm }) => ({
              id: watch.vmId(namesOf(vm).vm),
              ports: ports.map((number) => ({ number, ...terms })),
            })),
          },
        }),
      ),
    );
    return new FaultRun(watch, cases, await watch.groups());
  }

  /** Asks for every window, with the faults of asking and opening armed; those of closing follow when it is open. */
  async ask(seconds: number): Promise<void> {
    await this.#untilQuiet();
    for (const one of this.cases.filter(({ fault }) => fault?.call.phase !== "closing")) {
      await this.#arm(one);
    }
    await Promise.all(this.cases.map((one) => this.#askFor(one, seconds)));
  }

  /** NB. A sweep that met the policies half-way still works on them: its calls would be taken for those of the requests. */
  async #untilQuiet(): Promise<void> {
    do {
      await this.watch.forgetCalls();
      await pauseFor(quietMs);
    } while ((await this.watch.armCalls()).length > 0);
  }

  async #arm(one: FaultCase): Promise<void> {
    for (const order of ordersOf(one)) {
      await this.watch.arm(order);
      this.#armed.push(one.vm);
    }
  }

  async #askFor(one: FaultCase, seconds: number): Promise<void> {
    const asked = ports.slice(0, windowsOf[one.shape]).map((number, index) => ({
      number,
      duration: `PT${seconds}S`,
      allowedSourceAddressPrefix: `203.0.113.${index + 1}`,
    }));
    const id = this.watch.vmId(namesOf(one.vm).vm);
    const path = `${this.watch.policyPath("faults", locationOf(one))}/initiate`;
    await this.watch.call("POST", path, { virtualMachines: [{ id, ports: asked }] });
  }

  /** Looks on until what is looked for is so for every case, or the time is over. */
  async follow(isReached: (followed: Followed) => boolean, withinMs: number): Promise<void> {
    const giveUpAt = Date.now() + withinMs;
    while (!this.seen.every(isReached) && Date.now() < giveUpAt) {
      await pauseFor(pauseMs);
      await this.look();
    }
  }

  /** Takes one look at every case. */
  async look(): Promise<void> {
    const look = await this.watch.look(this.#groups);
    this.#groups = look.after;
    for (const followed of this.seen) {
      followed.see(look);
      const { case: one, wasOpen } = followed;
      if (wasOpen && one.fault?.call.phase === "closing" && !this.#armed.includes(one.vm)) {
        await this.#arm(one);
      }
    }
  }

  /** How often each case's fault has struck, by VM; forgotten when the faults are cleared. */
  async struck(): Promise<ReadonlyMap<string, number>> {
    const faults = await this.watch.faults();
    // The last one armed for a case is its fault.
    return new Map(this.#armed.map((vm, at) => [vm, faults[at]?.struck ?? 0]));
  }

  /** What became of every case, by VM. */
  async ends(struck: ReadonlyMap<string, number>): Promise<ReadonlyMap<string, CaseEnd>> {
    const ends = new Map<string, CaseEnd>();
    for (const followed of this.seen) {
      const { vm } = followed.case;
      const facts = await this.watch.facts(namesOf(vm).vm);
      const ofAccess = facts.filter(({ operation }) => operation.startsWith("access."));
      ends.set(vm, { followed, facts: ofAccess, struck: struck.get(vm) ?? 0 });
    }
    return ends;
  }
}
