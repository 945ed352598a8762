import type { GateStore } from "../ports.ts";
import { isFirewallGate } from "../rules/gate.ts";
import { leadOf } from "../rules/update-time.ts";

/** How long before a window's end it has to be taken off a gate, in milliseconds, by gate id: of firewalls only. */
export type Leads = ReadonlyMap<string, number>;

/** The leads of those gates that are firewalls, by what was measured there. */
export async function leadsOf(
  { gates }: { readonly gates: Pick<GateStore, "read"> },
  gateIds: readonly string[],
): Promise<Leads> {
  return new Map(
    await Promise.all(
      gateIds.filter(isFirewallGate).map(async (id) => [id, leadOf(await gates.read(id))] as const),
    ),
  );
}

/** That of the slowest gate; 0 where none is slow. */
export const longest = (leads: Leads): number => Math.max(0, ...leads.values());
