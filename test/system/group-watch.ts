import { setTimeout as pauseFor } from "node:timers/promises";
import type { ArmNsg, ArmRule, User } from "./user.ts";

/** How often the groups are looked at. */
const everyMs = 1_000;

/** How long after its end an allow rule may still be there, counted while the host is up without a break. */
const overdueMs = 60_000;

/** Looks at every network security group again and again, and notes what should never be seen. */
export class GroupWatch {
  /** What should not have been seen, a sentence each. */
  readonly wrongs: string[] = [];
  looks = 0;
  /** The largest number of our allow rules seen at once, to know that there was anything to close. */
  mostOpen = 0;
  /** How long the longest lasting rule outlived its end, the time included in which no host was there. */
  longestOverdueMs = 0;
  readonly #user: User;
  readonly #customers: string;
  #hostUpSince: number | undefined = Date.now();
  #isOn = true;
  #watching: Promise<void> = Promise.resolve();

  private constructor(user: User, groups: readonly ArmNsg[]) {
    this.#user = user;
    this.#customers = customerPart(groups);
  }

  /** From now on; what customers have now is what they shall always have. */
  static async start(user: User): Promise<GroupWatch> {
    const watch = new GroupWatch(user, await user.nsgs());
    watch.#watching = watch.#lookOn();
    return watch;
  }

  hostIsDown(): void {
    this.#hostUpSince = undefined;
  }

  hostIsUp(): void {
    this.#hostUpSince = Date.now();
  }

  async stop(): Promise<void> {
    this.#isOn = false;
    await this.#watching;
  }

  /** The end of every allow rule of ours that is there now. */
  async openUntil(): Promise<readonly number[]> {
    const groups = await this.#user.nsgs();
    this.#judge(groups, Date.now());
    return groups.flatMap(ownAllows).map(({ closesAt }) => closesAt);
  }

  async #lookOn(): Promise<void> {
    while (this.#isOn) {
      // The cloud ends with the host that is killed, and comes back with it.
      await this.openUntil().catch(() => undefined);
      await pauseFor(everyMs);
    }
  }

  #judge(groups: readonly ArmNsg[], now: number): void {
    this.looks += 1;
    const at = new Date(now).toISOString();
    if (customerPart(groups) !== this.#customers) {
      this.wrongs.push(`${at}: customer rules differ: ${customerPart(groups)}`);
    }
    const allows = groups.flatMap(ownAllows);
    this.mostOpen = Math.max(this.mostOpen, allows.length);
    for (const { place, closesAt } of allows) {
      this.longestOverdueMs = Math.max(this.longestOverdueMs, now - closesAt);
      const overdueFrom = Math.max(closesAt, this.#hostUpSince ?? now);
      if (Number.isNaN(closesAt) || now - overdueFrom > overdueMs) {
        this.wrongs.push(`${at}: ${place} should have been closed at ${describe(closesAt)}`);
      }
    }
  }
}

const describe = (time: number): string =>
  Number.isNaN(time) ? "a time it does not tell" : new Date(time).toISOString();

const isOurs = ({ name }: ArmRule): boolean => name.startsWith("JitAccess-");

function ownAllows({ name, properties }: ArmNsg) {
  return properties.securityRules
    .filter((rule) => isOurs(rule) && rule.properties.access === "Allow")
    .map((rule) => ({
      place: `${name}/${rule.name}`,
      closesAt: Date.parse(
        /closes (\S+) window/.exec(rule.properties.description ?? "")?.[1] ?? "",
      ),
    }));
}

/** The groups without our rules and without what changes by itself, to be compared letter by letter. */
export function customerPart(groups: readonly ArmNsg[]): string {
  const theirs = groups.map((group) => ({
    ...group,
    properties: {
      ...group.properties,
      securityRules: group.properties.securityRules.filter((rule) => !isOurs(rule)),
    },
  }));
  return JSON.stringify(theirs, (key, value) =>
    key === "etag" || key === "provisioningState" ? undefined : value,
  );
}
