import type { Operation } from "../activity/fact.ts";
import { listActivity } from "./activity.ts";
import { type AnswerPorts, approveRequest, denyRequest, reviewRequest } from "./answer-request.ts";
import { deletePolicy } from "./delete-policy.ts";
import { extendRequest, type FollowPorts, rebindRequest } from "./follow-request.ts";
import { initiate } from "./initiate.ts";
import { plan } from "./plan.ts";
import type { WritePolicyPorts } from "./policy-change.ts";
import { putPolicy } from "./put-policy.ts";
import { getPolicy, listPolicies } from "./read-policies.ts";
import { getRequest, listRequests } from "./requests.ts";
import { revokeRequest } from "./revoke-request.ts";
import type { Handler, Route } from "./route.ts";
import { type VerifyActivityPorts, verifyActivity } from "./verify-activity.ts";

/** Everything that the handlers need of the world. */
export interface HandlerPorts
  extends WritePolicyPorts,
    FollowPorts,
    AnswerPorts,
    VerifyActivityPorts {}

/** The addresses of the API that ask who is calling, by the name of their function; where each lies, `functions/` says. */
export function createRoutes(ports: HandlerPorts) {
  return {
    listPolicies: { methods: { GET: listPolicies(ports) } },
    policy: {
      methods: { GET: getPolicy(ports), PUT: putPolicy(ports), DELETE: deletePolicy(ports) },
      operation: (method) =>
        method === "GET" ? undefined : method === "DELETE" ? "policy.delete" : "policy.write",
    },
    initiate: acting(initiate(ports), "access.initiate"),
    plan: { methods: { POST: plan(ports) } },
    activity: { methods: { GET: listActivity(ports) } },
    verifyActivity: { methods: { GET: verifyActivity(ports) } },
    listRequests: { methods: { GET: listRequests(ports) } },
    request: { methods: { GET: getRequest(ports) } },
    approveRequest: acting(approveRequest(ports), "access.approve"),
    denyRequest: acting(denyRequest(ports), "access.deny"),
    revokeRequest: acting(revokeRequest(ports), "access.revoke"),
    extendRequest: acting(extendRequest(ports), "access.extend"),
    rebindRequest: acting(rebindRequest(ports), "access.rebind"),
    reviewRequest: acting(reviewRequest(ports), "access.review"),
  } satisfies Record<string, Route>;
}

/** A POST whose refusals are audited under that operation. */
const acting = (handler: Handler, operation: Operation): Route => ({
  methods: { POST: handler },
  operation: () => operation,
});
