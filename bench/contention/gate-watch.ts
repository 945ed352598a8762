import { setTimeout as pauseFor } from "node:timers/promises";
import type { Endpoints } from "../../local/endpoints.ts";
import { getJson, signIn } from "../../local/sign-in.ts";
import { type Access, group, port } from "../crowd.ts";
import { nsgName } from "./crowd.ts";

/** Between two readings of the group; as exact as the times are. */
const lookMs = 100;

interface Group {
  readonly properties: { readonly securityRules: readonly Rule[] };
}

interface Rule {
  readonly properties: {
    readonly access: string;
    readonly direction: string;
    readonly destinationPortRange?: string;
    readonly destinationPortRanges: readonly string[];
    readonly sourceAddressPrefix?: string;
    readonly sourceAddressPrefixes: readonly string[];
    readonly destinationAddressPrefix?: string;
    readonly destinationAddressPrefixes: readonly string[];
    readonly provisioningState: string;
  };
}

/** Reads the group over and over, whoever writes it, and notes when each access is in force. */
export class GateWatch {
  /** Milliseconds since the start, by source address. */
  readonly openedAfterMs = new Map<string, number>();
  readonly #read: () => Promise<readonly Rule[]>;
  readonly #accesses: readonly Access[];

  private constructor(read: () => Promise<readonly Rule[]>, accesses: readonly Access[]) {
    this.#read = read;
    this.#accesses = accesses;
  }

  static async on(endpoints: Endpoints, accesses: readonly Access[]): Promise<GateWatch> {
    const reader = await signIn(endpoints, "rita", "https://management.azure.com");
    const { ca } = reader.tlsOptions;
    const url = `${endpoints.cloud}/subscriptions/${endpoints.subscriptionId}/resourceGroups/${group}/providers/Microsoft.Network/networkSecurityGroups/${nsgName}?api-version=2024-05-01`;
    const read = async () => {
      const token = (await reader.credential.getToken([]))?.token ?? "";
      return (await getJson<Group>(url, { ca, token })).properties.securityRules;
    };
    return new GateWatch(read, accesses);
  }

  /** Resolves when all are open or the time is over. */
  async untilAllOpen(since: () => number, limitMs: number): Promise<void> {
    while (!this.isComplete && since() < limitMs) {
      // The time after the reading: never earlier than it was open.
      const open = openIn(await this.#read());
      const afterMs = since();
      for (const access of this.#accesses) {
        if (!this.openedAfterMs.has(access.source) && open.has(keyOf(access))) {
          this.openedAfterMs.set(access.source, afterMs);
        }
      }
      await pauseFor(lookMs);
    }
  }

  get isComplete(): boolean {
    return this.openedAfterMs.size === this.#accesses.length;
  }
}

function keyOf({ source, vmAddress }: Access): string {
  return `${source} > ${vmAddress}`;
}

/** What the rules let through by now: a rule that Azure still calls Updating is not in force yet. */
function openIn(rules: readonly Rule[]): ReadonlySet<string> {
  const inForce = rules
    .map((rule) => rule.properties)
    .filter(
      (rule) =>
        rule.access === "Allow" &&
        rule.direction === "Inbound" &&
        rule.provisioningState === "Succeeded" &&
        all(rule.destinationPortRange, rule.destinationPortRanges).includes(String(port)),
    );
  return new Set(
    inForce.flatMap((rule) =>
      all(rule.sourceAddressPrefix, rule.sourceAddressPrefixes).flatMap((source) =>
        all(rule.destinationAddressPrefix, rule.destinationAddressPrefixes).map((destination) =>
          [source, destination].map((prefix) => prefix.replace(/\/32$/, "")).join(" > "),
        ),
      ),
    ),
  );
}

function all(one: string | undefined, several: readonly string[]): readonly string[] {
  return one === undefined ? several : [one, ...several];
}
