import { page } from "./answers.ts";
import type { Estate } from "./estate.ts";
import type { Route } from "./router.ts";

/**
 * The estate's subscription, as ARM lists those that the caller has any right in. NB. Here everybody who has a token sees it.
 */
export function subscriptionRoutes(estate: Estate, pageSize: number): readonly Route[] {
  const subscription = subscriptionView(estate);
  return [
    {
      method: "GET",
      path: "/subscriptions",
      needsArmToken: true,
      handle(request) {
        const { status, body } = page(request, [subscription], pageSize, (item) => item);
        return { status, body: { ...(body as object), count: { type: "Total", value: 1 } } };
      },
    },
    {
      method: "GET",
      path: "/subscriptions/{subscriptionId}",
      needsArmToken: true,
      // Any other id has been refused before a handler is asked.
      handle: () => ({ status: 200, body: subscription }),
    },
  ];
}

function subscriptionView({ subscriptionId, tenantId }: Estate): unknown {
  return {
    id: `/subscriptions/${subscriptionId}`,
    authorizationSource: "RoleBased",
    managedByTenants: [],
    subscriptionId,
    tenantId,
    displayName: "Pretend subscription",
    state: "Enabled",
    subscriptionPolicies: {
      locationPlacementId: "Public_2014-09-01",
      quotaId: "PayAsYouGo_2014-09-01",
      spendingLimit: "Off",
    },
  };
}
