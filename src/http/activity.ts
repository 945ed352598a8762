import { z } from "zod";
import type { Fact } from "../activity/fact.ts";
import type { ActivityStore } from "../activity/store.ts";
import { createReader } from "../caller/requirements.ts";
import { idKey, parseVirtualMachineId, subscriptionOf } from "../policy/resource-id.ts";
import type { Clock, Rights } from "../ports.ts";
import { type Outcome, ok, reasonsFrom, refused } from "../reasons.ts";
import { firstSeen } from "./first-seen.ts";
import { listQuery, listTime } from "./list-query.ts";
import { problem, problemOf } from "./problem.ts";
import { listAnswer } from "./read-policies.ts";
import type { Call, Handler } from "./route.ts";

export interface ActivityPorts {
  readonly clock: Clock;
  readonly rights: Rights;
  readonly activity: ActivityStore;
}

/** How many facts a page holds. */
const pageSizes = { usual: 100, largest: 1_000 } as const;

const queryShape = listQuery(
  {
    vm: z.string().optional(),
    subscriptionId: z.guid("expected a subscription id").optional(),
  },
  pageSizes.largest,
);

/** GET /api/activity: the facts of a VM or of a subscription, newest first, as far as the caller may read their scopes. */
export function listActivity(ports: ActivityPorts): Handler {
  return async (call) => {
    const asked = readQuery(call, ports.clock.now());
    if (asked.outcome === "refused") {
      return problem(asked);
    }
    const { of } = asked.value;
    const vmId = "vmId" in of ? of.vmId : undefined;
    const scope = "subscriptionId" in of ? `/subscriptions/${of.subscriptionId}` : (vmId ?? "");
    const mayRead = createReader(await ports.rights.of(call.caller, subscriptionOf(scope) ?? ""));
    // A VM's facts are for who may read it; of a subscription's, everybody gets those of the scopes they may read.
    if (vmId !== undefined && !mayRead(scope)) {
      return problemOf(
        "AuthorizationFailed",
        `'${call.caller.name}' may not read the activity of '${scope}'. Ask an owner of that scope for a role assignment.`,
        "vm",
      );
    }
    const page = await firstSeen(
      asked.value.continuation,
      (continuation) => ports.activity.list({ ...asked.value, continuation }),
      (facts) => facts.filter((fact) => mayRead(scopeOf(fact))),
    );
    return listAnswer(call, page.items, page.continuation);
  };
}

function scopeOf(fact: Fact): string {
  return fact.vmId ?? fact.policyId ?? `/subscriptions/${fact.subscriptionId}`;
}

function readQuery(call: Call, now: Date): Outcome<Parameters<ActivityStore["list"]>[0]> {
  const parsed = queryShape.safeParse(Object.fromEntries(call.url.searchParams), {
    reportInput: true,
  });
  if (!parsed.success) {
    return refused(...reasonsFrom(parsed.error, "InvalidQuery"));
  }
  const { vm, subscriptionId, top, $skiptoken: continuation } = parsed.data;
  if ((vm === undefined) === (subscriptionId === undefined)) {
    return refused({
      code: "InvalidQuery",
      message: "Name either vm (a virtual machine's resource id) or subscriptionId.",
      target: "vm",
    });
  }
  if (vm !== undefined && parseVirtualMachineId(vm) === undefined) {
    return refused({
      code: "InvalidQuery",
      message: `'${vm.slice(0, 200)}' is not a virtual machine's resource id.`,
      target: "vm",
    });
  }
  const time = listTime(parsed.data, now);
  return time.outcome === "refused"
    ? time
    : ok({
        of: vm === undefined ? { subscriptionId: subscriptionId ?? "" } : { vmId: idKey(vm) },
        ...time.value,
        top: top ?? pageSizes.usual,
        continuation,
      });
}
