import { isEnabled, mayAskFor, mayConfigure, type Person } from "./estate.ts";
import { PoliciesSeen } from "./policies-seen.ts";
import type { RequestRecord } from "./request-record.ts";

/** How many requests of a kind the next calls choose from. */
const recent = 60;

/** All; those that open at once, that wait for people, that have to be reviewed. */
export type Kind = "all" | "opening" | "waiting" | "breakGlass";

/** What permitted calls asked for: policies and requests, as far as they were answered. */
export class Ledger {
  readonly policies = new PoliciesSeen();
  readonly requests = new Map<string, RequestRecord>();
  /** Requests that may be answered, followed, revoked or reviewed by now; the newest last. */
  readonly recent: Record<Kind, RequestRecord[]> = {
    all: [],
    opening: [],
    waiting: [],
    breakGlass: [],
  };
  /** Which request a person's key stands for. */
  readonly keys = new Map<string, string>();

  add(record: RequestRecord): void {
    this.requests.set(record.id, record);
    this.#remember("all", record);
    this.#remember(record.needsNobody ? "opening" : "waiting", record);
    if (record.isBreakGlass) {
      this.#remember("breakGlass", record);
    }
  }

  #remember(kind: Kind, record: RequestRecord): void {
    this.recent[kind].push(record);
    if (this.recent[kind].length > recent) {
      this.recent[kind].shift();
    }
  }

  /** Whether enough of those who may have agreed since the request was asked. */
  isAgreed(record: RequestRecord, now: number): boolean {
    const agreed = approversOf(record);
    return this.#rules(record, record.sentAt, now).some((rules) => {
      const circle = new Set(rules?.approval?.approvers);
      return (
        rules?.approval !== undefined && circle.intersection(agreed).size >= rules.approval.needed
      );
    });
  }

  /** Whether somebody may answer a request, by a state of its policy that may have been between two moments. */
  mayAnswer(person: Person, record: RequestRecord, from: number, to: number): boolean {
    return (
      person !== record.person &&
      isEnabled(person) &&
      this.#rules(record, from, to).some((rules) => rules?.approval?.approvers.includes(person))
    );
  }

  mayReview(person: Person, record: RequestRecord, from: number, to: number): boolean {
    return (
      person !== record.person &&
      (mayConfigure(person) ||
        this.#rules(record, from, to).some(
          (rules) =>
            rules?.approval?.approvers.includes(person) ||
            rules?.breakGlass?.reviewers.includes(person),
        ))
    );
  }

  mayRevoke(person: Person, record: RequestRecord, from: number, to: number): boolean {
    return person === record.person || this.mayReview(person, record, from, to);
  }

  mayAsk(person: Person, machines: readonly string[]): boolean {
    return isEnabled(person) && machines.every((machine) => mayAskFor(person, machine));
  }

  #rules({ policyKey }: RequestRecord, from: number, to: number) {
    return this.policies.possible(policyKey, from, to).flatMap(({ rules }) => rules);
  }
}

function approversOf({ approvers, carriedFrom }: RequestRecord): ReadonlySet<Person> {
  return carriedFrom === undefined ? approvers : approvers.union(approversOf(carriedFrom));
}
