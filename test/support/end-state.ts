import type { World } from "./world.ts";
import { nsgs } from "./world.ts";

/** What two runs of the same story must have in common: everything but the moments at which things happened. */
export async function endState(world: World): Promise<Readonly<Record<string, unknown>>> {
  const gates = Object.values(nsgs);
  const records = await Promise.all(gates.map((gateId) => world.record(gateId)));
  const facts = [...(await world.facts()), ...(await world.factsOf("exposure."))];
  const requestIds = [...new Set(facts.flatMap((fact) => fact.requestId ?? []))].toSorted();
  return {
    customers: world.customers(),
    rules: gates.map((gateId) => world.ours(gateId).toSorted(byName)),
    gates: records.map(({ intent, results, findings, lease, ...revisions }) => ({
      intent,
      results,
      findings,
      lease,
      isSettled: revisions.appliedRevision === revisions.desiredRevision,
    })),
    unsettled: await world.gates.unsettled(world.clock.now()),
    policies: await world.policiesStored(),
    windows: (await Promise.all(requestIds.map((id) => world.windows(id))))
      .flat()
      .map(({ openedAt, closedAt, ...window }) => ({
        ...window,
        wasOpen: openedAt !== undefined,
        isOver: closedAt !== undefined,
      })),
    wrongWrites: [...world.writeWrongs, ...world.unansweredWrites()],
    facts: facts
      .map(({ id, operation, outcome, vmId, gates: touched, reasons }) => ({
        id: operation.startsWith("exposure.") ? JSON.stringify([operation, vmId, reasons]) : id,
        operation,
        outcome,
        vmId,
        // When it was read is another moment in each run; which rules had been there, not everybody knows.
        touched: touched?.map((gate) =>
          operation === "access.close" ? gate.id : [gate.id, gate.rules],
        ),
        reasons,
      }))
      .toSorted((one, other) => (one.id < other.id ? -1 : 1)),
  };
}

function byName(one: { readonly name: string }, other: { readonly name: string }): number {
  return one.name < other.name ? -1 : 1;
}
