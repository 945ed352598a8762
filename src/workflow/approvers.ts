import { isListed } from "../access/auto-approval.ts";
import { type AccessRequest, isSamePerson } from "../access/request.ts";
import type { Principal } from "../caller/caller.ts";
import type { AccessRules, ApprovalRules, PeopleAndGroups } from "../policy/access-rules.ts";
import type { Directory, Freshness } from "../ports.ts";

/** Whom the rules let answer a request: the approvers, and the second circle once it was asked as well. */
export function circlesOf(
  rules: ApprovalRules | undefined,
  { approval }: Pick<AccessRequest, "approval">,
): readonly PeopleAndGroups[] {
  return [
    ...(rules === undefined ? [] : [rules.approvers]),
    ...(rules?.escalation !== undefined && approval?.isEscalated === true
      ? [rules.escalation.approvers]
      : []),
  ];
}

/** Whom the rules let review a break-glass request: the reviewers that they name, and every approver. */
export function reviewersOf(rules: AccessRules | undefined): readonly PeopleAndGroups[] {
  const reviewers = rules?.breakGlass?.reviewers;
  return [
    ...circlesOf(rules?.approval, { approval: undefined }),
    ...(reviewers === undefined ? [] : [reviewers]),
  ];
}

/** Whether somebody is in one of the circles, by name or through a group, and not the one whose request it is. */
export async function isIn(
  circles: readonly PeopleAndGroups[],
  who: Principal,
  request: AccessRequest,
  directory: Directory,
  freshness?: Freshness,
): Promise<boolean> {
  if (circles.length === 0 || isSamePerson(who, request.requestor)) {
    return false;
  }
  const ids = circles.flatMap(({ groups }) => groups.map(({ objectId }) => objectId.toLowerCase()));
  const groups =
    ids.length === 0 ? none : await directory.groupsOf(who, [...new Set(ids)], freshness);
  return circles.some((circle) => isListed(circle, who, groups));
}

const none: ReadonlySet<string> = new Set();

/** The circles in words for people: names where the policy gives them, else ids. */
export function namesOf(circles: readonly PeopleAndGroups[]): readonly string[] {
  return circles.flatMap(({ people, groups }) => [
    ...people.map(({ name, objectId }) => name ?? objectId),
    ...groups.map(({ name, objectId }) => `group ${name ?? objectId}`),
  ]);
}
