import type { AccessRules, ApprovalRules, PeopleAndGroups } from "../policy/access-rules.ts";
import type { AccessRequest } from "./request.ts";

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

/** The circles in words for people: names where the policy gives them, else ids. */
export function namesOf(circles: readonly PeopleAndGroups[]): readonly string[] {
  return circles.flatMap(({ people, groups }) => [
    ...people.map(({ name, objectId }) => name ?? objectId),
    ...groups.map(({ name, objectId }) => `group ${name ?? objectId}`),
  ]);
}
