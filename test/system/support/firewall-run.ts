import { setTimeout as pauseFor } from "node:timers/promises";
import type { Estate } from "../../../local/cloud/estate.ts";
import { withFirewalledVms } from "../../support/generated-firewalls.ts";
import type { RunningSystem } from "../../support/running-system.ts";
import { User } from "../user.ts";
import { generatedPlace, settledText } from "./behind-firewalls.ts";
import { FaultWatch, type ToldFact, type ToldPort } from "./fault-watch.ts";
import { type FirewallCase, firewallOrders } from "./firewall-cases.ts";
import { FirewallFollowed } from "./firewall-followed.ts";
import { openVms, sweptUntil, type WirePage, type WirePolicy } from "./firewall-looks.ts";

/** What became of a case. */
export interface FirewallEnd {
  readonly followed: FirewallFollowed;
  /** Of the VM, oldest first. */
  readonly facts: readonly ToldFact[];
  /** How often the fault struck. */
  readonly struck: number;
  /** Whether the firewall is, byte for byte, what it was before the request. */
  readonly isRestored: boolean;
}

const pauseMs = 300;
/** How long deleting goes on with its faults, in milliseconds. */
const deletingMs = 10_000;

/** The estate with the VMs of these cases, each behind a firewall of its own and in a location of its own. */
export const withCases = (estate: Estate, cases: readonly FirewallCase[]): Estate =>
  withFirewalledVms(
    estate,
    cases.map(({ vm, kind }) => ({ name: vm, location: vm, kind })),
  );

/** Many requests side by side, each with a firewall and a fault of its own, followed from the asking to the end. */
export class FirewallRun {
  readonly watch: FaultWatch;
  /** What has been seen of each case, in their order. */
  readonly seen: readonly FirewallFollowed[];
  readonly #system: RunningSystem;
  readonly #user: User;
  readonly #armed: { readonly vm: string; readonly path: string; readonly kind: string }[] = [];
  readonly #guarded = new Map<string, string>();
  #open: ReadonlySet<string> = new Set();

  private constructor(system: RunningSystem, watch: FaultWatch, cases: readonly FirewallCase[]) {
    this.#system = system;
    this.#user = new User(system);
    this.watch = watch;
    this.seen = cases.map((one) => new FirewallFollowed(one));
  }

  /** Puts every VM under a policy of its own and waits until its firewall carries it. */
  static async prepare(
    system: RunningSystem,
    cases: readonly FirewallCase[],
  ): Promise<FirewallRun> {
    const run = new FirewallRun(system, await FaultWatch.on(system.endpoints), cases);
    await Promise.all(cases.map((one) => run.#protect(one)));
    await sweptUntil(run.#user, async () => (await run.#unsettled()).length === 0);
    for (const { vm, kind } of cases) {
      run.#guarded.set(vm, await run.#gates({ vm, kind }));
    }
    return run;
  }

  /** Asks for every window, with the faults of opening armed; those of closing follow when it is open. */
  async ask(seconds: number): Promise<void> {
    await Promise.all(
      this.seen.map(async (followed) => {
        if (followed.case.fault?.phase === "opening") {
          await this.#arm(followed.case);
        }
        await this.#askFor(followed, seconds);
      }),
    );
  }

  /**
   * Deletes the policies of all cases, with the faults of deleting armed and no other; fails when one is still there in the end.
   * Answers how often the faults struck, by VM.
   */
  async unprotect(withinMs: number): Promise<ReadonlyMap<string, number>> {
    await this.watch.clearFaults();
    this.#armed.length = 0;
    await Promise.all(
      this.seen.map(async ({ case: one }) => {
        if (one.fault?.phase === "deleting") {
          await this.#arm(one);
        }
        // A fault may have it answered otherwise; the sweep sees it through.
        await this.watch.call("DELETE", this.#policyPath(one)).catch(() => undefined);
      }),
    );
    // What a fault keeps from ending ends with the fault.
    const isDone = async () => (await this.#policies()).length === 0;
    await sweptUntil(this.#user, isDone, deletingMs).catch(() => undefined);
    const struck = await this.struck();
    await this.watch.clearFaults();
    await sweptUntil(this.#user, isDone, withinMs);
    return struck;
  }

  /** Looks on until what is looked for is so for every case, or the time is over. */
  async follow(
    isReached: (followed: FirewallFollowed) => boolean,
    withinMs: number,
  ): Promise<void> {
    const giveUpAt = Date.now() + withinMs;
    while (!this.seen.every(isReached) && Date.now() < giveUpAt) {
      await pauseFor(pauseMs);
      await this.look();
    }
  }

  /** Takes one look at every case. */
  async look(): Promise<void> {
    const before = this.#open;
    const told = await this.#told();
    this.#open = await openVms(this.#system.endpoints);
    const at = Date.now();
    for (const followed of this.seen) {
      const { case: one } = followed;
      const vm = this.watch.vmId(`vm-${one.vm}`).toLowerCase();
      followed.see({
        at,
        told: told.get(vm),
        wasOpen: before.has(vm),
        isOpen: this.#open.has(vm),
      });
      if (followed.wasToldOpen && one.fault?.phase === "closing" && !this.#isArmed(one)) {
        await this.#arm(one);
      }
    }
  }

  /** How often each case's fault has struck, by VM; forgotten when the faults are cleared. */
  async struck(): Promise<ReadonlyMap<string, number>> {
    const faults = await this.watch.faults();
    // The last one armed for a case is its fault.
    return new Map(
      this.#armed.map(({ vm, path, kind }) => {
        const own = faults.findLast(
          ({ match, kind: its }) =>
            typeof match === "object" && match.path === path && its === kind,
        );
        return [vm, own?.struck ?? 0];
      }),
    );
  }

  /** What became of every case, by VM. */
  async ends(struck: ReadonlyMap<string, number>): Promise<ReadonlyMap<string, FirewallEnd>> {
    const ends = new Map<string, FirewallEnd>();
    for (const followed of this.seen) {
      const { vm, kind } = followed.case;
      const all = await this.watch.facts(`vm-${vm}`);
      const facts = all.filter(({ operation }) => operation !== "gate.write");
      const isRestored = (await this.#gates({ vm, kind })) === this.#guarded.get(vm);
      ends.set(vm, { followed, facts, struck: struck.get(vm) ?? 0, isRestored });
    }
    return ends;
  }

  /** What is left of this service on any of the firewalls. */
  async left(): Promise<readonly string[]> {
    const left = this.seen.map(async ({ case: one }) =>
      /jitaccess-/i.test(await this.#gates(one)) ? one.name : [],
    );
    return (await Promise.all(left)).flat();
  }

  #policyPath({ vm }: FirewallCase): string {
    return this.watch.policyPath("faults", vm);
  }

  async #protect(one: FirewallCase): Promise<void> {
    const terms = {
      protocol: "TCP",
      allowedSourceAddressPrefix: "*",
      maxRequestAccessDuration: "PT3H",
    };
    await this.watch.call("PUT", this.#policyPath(one), {
      kind: "Basic",
      properties: {
        virtualMachines: [
          { id: this.watch.vmId(`vm-${one.vm}`), ports: [{ number: 22, ...terms }] },
        ],
      },
    });
  }

  /** A fault on a look that asking takes may have it refused: whoever asks then asks again, a few times. */
  async #askFor(followed: FirewallFollowed, seconds: number): Promise<void> {
    const { case: one } = followed;
    const port = {
      number: 22,
      duration: `PT${seconds}S`,
      allowedSourceAddressPrefix: "203.0.113.7",
    };
    const path = `${this.#policyPath(one)}/initiate`;
    const virtualMachines = [{ id: this.watch.vmId(`vm-${one.vm}`), ports: [port] }];
    for (let tries = 0; tries < 3; tries += 1) {
      const { status, text } = await this.#user.call("olivia", "POST", path, { virtualMachines });
      if (status === 202) {
        return;
      }
      followed.refusals.push(`${status} ${text}`);
    }
  }

  async #arm(one: FirewallCase): Promise<void> {
    for (const order of firewallOrders(one)) {
      await this.watch.arm(order);
      if (typeof order.match === "object") {
        this.#armed.push({ vm: one.vm, path: order.match.path ?? "", kind: order.kind });
      }
    }
  }

  #isArmed = ({ vm }: FirewallCase): boolean => this.#armed.some((armed) => armed.vm === vm);

  async #told(): Promise<ReadonlyMap<string, ToldPort>> {
    const told = (await this.#wirePolicies()).flatMap(({ properties }) =>
      properties.requests.flatMap(({ virtualMachines }) =>
        virtualMachines.flatMap(({ id, ports }) =>
          ports.map((port) => [id.toLowerCase(), port] as const),
        ),
      ),
    );
    // The newest request comes first.
    return new Map(told.toReversed());
  }

  async #unsettled(): Promise<readonly string[]> {
    return (await this.#wirePolicies()).flatMap(({ id, properties }) =>
      properties.provisioningState === "Succeeded" ? [] : id,
    );
  }

  async #policies(): Promise<readonly string[]> {
    return (await this.#wirePolicies()).map(({ id }) => id);
  }

  /** Those of these cases. */
  async #wirePolicies(): Promise<readonly WirePolicy[]> {
    const path = `/subscriptions/${this.#system.endpoints.subscriptionId}/providers/Microsoft.Security/jitNetworkAccessPolicies`;
    const own = new Set(this.seen.map(({ case: one }) => this.#policyPath(one).toLowerCase()));
    const policies: WirePolicy[] = [];
    for (let page = path; page !== ""; ) {
      const { value, nextLink } = await this.watch.call<WirePage>("GET", page);
      policies.push(...value);
      const next = nextLink === undefined ? undefined : new URL(nextLink);
      next?.searchParams.delete("api-version");
      page = next === undefined ? "" : `${next.pathname}${next.search}`;
    }
    return policies.filter(({ id }) => own.has(id.toLowerCase()));
  }

  /** NB. Never asked for while faults wait for the service on the same paths. */
  async #gates({ vm, kind }: Pick<FirewallCase, "vm" | "kind">): Promise<string> {
    const { firewall, policy } = generatedPlace(vm, kind);
    const network = `/subscriptions/${this.#system.endpoints.subscriptionId}/resourceGroups/rg-demo/providers/Microsoft.Network`;
    const paths = [
      `azureFirewalls/${firewall}`,
      ...(policy === undefined ? [] : [`firewallPolicies/${policy}/ruleCollectionGroups`]),
    ];
    const answers = await Promise.all(paths.map((path) => this.#user.arm(`${network}/${path}`)));
    return answers.map(({ body }) => settledText(body)).join("\n");
  }
}
