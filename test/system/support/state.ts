import type { ToldFact, User } from "../user.ts";

/** All that a bad call could have changed, and the refusals of known callers and of strangers that the audit holds, newest first. */
export async function stateOf(user: User) {
  const list = await user.call(
    "olivia",
    "GET",
    `/subscriptions/${user.subscriptionId}/providers/Microsoft.Security/jitNetworkAccessPolicies`,
  );
  const groups = [await user.nsg("nsg-linux"), await user.nsg("nsg-shared-subnet", "rg-network")];
  const { body } = await user.call(
    "olivia",
    "GET",
    `/api/activity?subscriptionId=${user.subscriptionId}&top=1000`,
  );
  const facts: readonly ToldFact[] = body.value;
  return {
    things: {
      policies: list.body,
      groups,
      // The app tells its settings by itself, some time after its start.
      otherFacts: facts.filter(
        ({ outcome, operation }) => outcome !== "refused" && operation !== "service.configuration",
      ).length,
    },
    refusals: facts.filter((fact) => fact.outcome === "refused" && fact.actor !== undefined),
    strangers: facts.filter((fact) => fact.operation === "service.signIn"),
  };
}
