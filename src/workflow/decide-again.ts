import { agreed } from "../access/approval.ts";
import { autoApprovalOf, groupsAsked } from "../access/auto-approval.ts";
import { isBreakGlassPerson, notInEmergency } from "../access/break-glass.ts";
import { circlesOf } from "../access/circles.ts";
import { stillAllowed } from "../access/decide.ts";
import type { AccessRequest, Window } from "../access/request.ts";
import { sourceRuleFaults } from "../access/source-rules.ts";
import { missingRights } from "../caller/permissions.ts";
import { toRequest } from "../caller/requirements.ts";
import type { AccessRules, ApprovalRules } from "../policy/access-rules.ts";
import { subscriptionOf } from "../policy/resource-id.ts";
import type { Clock, Directory, Freshness, PolicyStore, RequestStore, Rights } from "../ports.ts";
import { bounded, type Reason } from "../reasons.ts";
import { isIn } from "./approvers.ts";

interface DecidePorts {
  readonly clock: Clock;
  readonly policies: PolicyStore;
  readonly requests: Pick<RequestStore, "get">;
  readonly rights: Rights;
  readonly directory: Directory;
}

/**
 * Decides anew about windows of one VM that are about to be opened: an earlier "allowed" is no permission. Answers the reasons
 * against each window that must not be opened: the policy, its rules, the approvals, the requestor's account and rights as they
 * are now. Throws when somebody who knows did not answer.
 */
export async function decideAgain(
  ports: DecidePorts,
  request: AccessRequest,
  windows: readonly Window[],
  freshness: Freshness = freshnessFor(request),
): Promise<ReadonlyMap<string, readonly Reason[]>> {
  const vmIds = [...new Set(windows.map((window) => window.vmId))];
  if (vmIds.length === 0) {
    return new Map();
  }
  const { requestor, policyId } = request;
  const [policy, rights, isEnabled, older] = await Promise.all([
    ports.policies.get(policyId),
    ports.rights.of(requestor, subscriptionOf(policyId) ?? "", freshness),
    ports.directory.isEnabled(requestor, freshness),
    request.follows && ports.requests.get(request.follows.requestId),
  ]);
  const rules = policy?.value.accessRules;
  const aboutAll = [
    ...(isEnabled ? [] : [disabled(requestor)]),
    ...(isRevoked(older) ? [withdrawn(older)] : []),
    ...missingRights(rights, toRequest(policyId, vmIds), requestor.name),
    ...(await approvalFaults(ports, request, rules, freshness)),
  ];
  const found = windows.map((window) => {
    const { sources } = window;
    const reasons = [
      ...aboutAll,
      ...stillAllowed(policy?.value, window, ports.clock.now()),
      ...sourceRuleFaults(rules, [{ sources, target: window.vmId }]),
    ];
    return [window.id, bounded(reasons, mostReasons)] as const;
  });
  return new Map(found.filter(([, reasons]) => reasons.length > 0));
}

/** What was decided a moment ago may be believed for as long as any answer; a request that has waited is asked about anew. */
function freshnessFor({ approval }: AccessRequest): Freshness {
  return { fresh: approval?.answerBy !== undefined };
}

/** How many reasons a window tells of. */
const mostReasons = 10;

/** NB. Whoever ends a request may not see yet what is to take its place; that looks here whether it still may. */
function isRevoked(request: AccessRequest | undefined): request is AccessRequest {
  return request?.decisions?.some(({ kind }) => kind === "revoke") === true;
}

function withdrawn({ id }: AccessRequest): Reason {
  const message = `The request whose place this one was to take, ${id}, was ended before its time.`;
  return { code: "EndedBeforeOpen", message, target: id };
}

/** The refusal of somebody whose account is disabled, whatever rights it has. */
export function disabled({ name }: { readonly name: string }): Reason {
  const message = `The account of '${name}' is disabled or deleted.`;
  return { code: "AccountDisabled", message };
}

/** Why the approvals of a request do not do for the rules as they are now. */
async function approvalFaults(
  ports: DecidePorts,
  request: AccessRequest,
  rules: AccessRules | undefined,
  freshness: Freshness,
): Promise<readonly Reason[]> {
  if (rules?.approval === undefined) {
    return [];
  }
  if (request.isBreakGlass === true) {
    return isBreakGlassPerson(rules, request.requestor) ? [] : [notInEmergency(request)];
  }
  const needed = rules.approval.approvalsNeeded;
  const given = await approvalsGiven(ports, request, rules.approval, freshness);
  if (given >= needed) {
    return [];
  }
  const message = `The policy asks for ${needed} approval(s), and the request has ${given} that count now.`;
  return [{ code: "ApprovalMissing", message, target: request.id }];
}

/** How many approvals count: of approvers who still are, and whose accounts are enabled; all of them when a rule approves by itself. */
async function approvalsGiven(
  { directory }: DecidePorts,
  request: AccessRequest,
  rules: ApprovalRules,
  freshness: Freshness,
): Promise<number> {
  if (request.approval?.automatic !== undefined) {
    const groups = await directory.groupsOf(request.requestor, groupsAsked(rules), freshness);
    const isApproved = autoApprovalOf(rules, groups, new Date(request.createdAt)) !== undefined;
    return isApproved ? rules.approvalsNeeded : 0;
  }
  const circles = circlesOf(rules, request);
  const counts = await Promise.all(
    agreed(request).map(async (approver) => {
      const [isApprover, isEnabled] = await Promise.all([
        isIn(circles, approver, request, directory, freshness),
        directory.isEnabled(approver, freshness),
      ]);
      return isApprover && isEnabled;
    }),
  );
  return counts.filter(Boolean).length;
}
