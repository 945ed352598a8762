import type { ToldPort } from "./fault-watch.ts";
import type { FirewallCase } from "./firewall-cases.ts";

/** One look: what is told of the case's window, and whether its port let people in before and after that was asked. */
export interface FirewallLook {
  readonly at: number;
  readonly told: ToldPort | undefined;
  readonly wasOpen: boolean;
  readonly isOpen: boolean;
}

/** One case and what has been seen of it. */
export class FirewallFollowed {
  readonly case: FirewallCase;
  /** What became of the asking; a fault may have had it refused. */
  refusals: string[] = [];
  readonly #lies = new Set<string>();
  #told: ToldPort | undefined;
  #wasOpen = false;
  #wasToldOpen = false;
  #isOpen = false;
  #overdueMs = 0;
  #overAt: number | undefined;

  constructor(one: FirewallCase) {
    this.case = one;
  }

  /** NB. A port behind a firewall is shut before its end, so that only the first telling of its being open has to be so. */
  see({ at, told, wasOpen, isOpen }: FirewallLook): void {
    this.#told = told;
    this.#isOpen = isOpen;
    this.#wasOpen ||= wasOpen || isOpen;
    if (told?.status === "Initiated" && !this.#wasToldOpen) {
      this.#wasToldOpen = true;
      if (!this.#wasOpen && at < Date.parse(told.endTimeUtc)) {
        this.#lies.add("told Initiated while nobody was let in");
      }
    }
    if (told?.status === "Revoked" && isOpen) {
      this.#lies.add("told Revoked while people were let in");
    }
    if (isOpen && told !== undefined && this.#wasToldOpen) {
      this.#overdueMs = Math.max(this.#overdueMs, at - this.closesAt);
    }
    if (this.isOver) {
      this.#overAt ??= at;
    }
  }

  get closesAt(): number {
    return Date.parse(this.#told?.endTimeUtc ?? "");
  }

  get isOver(): boolean {
    return this.#told?.status === "Revoked" && !this.#isOpen;
  }

  get overAt(): number | undefined {
    return this.#overAt;
  }

  get told(): ToldPort | undefined {
    return this.#told;
  }

  /** Whether it was told open. */
  get wasToldOpen(): boolean {
    return this.#wasToldOpen;
  }

  get wasOpen(): boolean {
    return this.#wasOpen;
  }

  /** What was told and was not so. */
  get lies(): readonly string[] {
    return [...this.#lies];
  }

  /** How long after its end somebody was last let in, in milliseconds. */
  get overdueMs(): number {
    return this.#overdueMs;
  }
}
