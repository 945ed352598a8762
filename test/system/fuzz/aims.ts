import type { FuzzCall, Purpose } from "./fuzz-call.ts";

const [segment, group, security, location, policies] = [
  "[^/]+",
  "resourcegroups/[^/]+/",
  "providers/microsoft.security/",
  "locations/[^/]+/",
  "jitnetworkaccesspolicies",
];
const list = `subscriptions/${segment}/(?:${group})?${security}(?:${location})?${policies}`;
const policy = `subscriptions/${segment}/${group}${security}${location}${policies}/${segment}`;

const addresses: readonly (readonly [pattern: RegExp, aim: Purpose])[] = (
  [
    ["api/health/(?:live|ready)", "health"],
    ["api/activity(?:/export)?", "activity"],
    ["api/requests", "requests"],
    [`api/requests/${segment}`, "request"],
    ...(["approve", "deny", "revoke", "extend", "rebind", "review"] as const).map(
      (act) => [`api/requests/${segment}/${act}`, act] as const,
    ),
    [list, "policies"],
    [policy, "policy"],
    [`${policy}/initiate`, "initiate"],
    [`${policy}/plan`, "plan"],
  ] as const
).map(([pattern, aim]) => [new RegExp(`^${pattern}$`, "s"), aim]);

/** What the address of a call means, whatever the call was meant for. */
export function aimOf(call: FuzzCall): Purpose {
  const path = segmentsOf(call)
    ?.map((each) => each.toLowerCase().replaceAll("/", "%2f"))
    .join("/");
  return addresses.find(([pattern]) => path !== undefined && pattern.test(path))?.[1] ?? "nothing";
}

/** What of the address names a policy: the same for every way of writing the same policy. */
export function policyKeyOf(call: FuzzCall): string {
  return (
    (segmentsOf(call) ?? [])
      .slice(0, 10)
      // Azure takes "West Europe" for "westeurope".
      .map((each, index, all) =>
        all[index - 1]?.toLowerCase() === "locations" ? each.replaceAll(" ", "") : each,
      )
      .join("/")
      .toLowerCase()
  );
}

/** The id of the request that the address names. */
export function requestIdOf(call: FuzzCall): string {
  return (segmentsOf(call)?.[2] ?? "").toLowerCase();
}

/** The path of the address, its segments decoded; nothing where they cannot be. */
function segmentsOf({ target }: FuzzCall): readonly string[] | undefined {
  try {
    const { pathname } = new URL(target, "http://localhost");
    return pathname.replace(/^\//, "").replace(/\/$/, "").split("/").map(decodeURIComponent);
  } catch {
    return undefined;
  }
}
