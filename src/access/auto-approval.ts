import type {
  ApprovalRules,
  AutoApproval,
  GroupRef,
  PeopleAndGroups,
  WeeklyHours,
} from "../policy/access-rules.ts";

/** The ids of every group that the rules name, lower-case, each once: whom a decision has to ask the directory about. */
export function groupsAsked(rules: ApprovalRules): readonly string[] {
  const named = [
    ...rules.approvers.groups,
    ...(rules.escalation?.approvers.groups ?? []),
    ...(rules.autoApproval ?? []).flatMap((each) => each.groups ?? []),
  ];
  return [...new Set(named.map(idOf))];
}

/**
 * The position of the first rule that approves without anybody's answer, or nothing. `groups` are those of
 * {@link groupsAsked} that hold the requestor, lower-case.
 */
export function autoApprovalOf(
  rules: ApprovalRules,
  groups: ReadonlySet<string>,
  now: Date,
): number | undefined {
  const position = (rules.autoApproval ?? []).findIndex((each) => holds(each, groups, now));
  return position === -1 ? undefined : position;
}

/** NB. One that asks for nothing would approve everybody, so it approves nobody. */
function holds(auto: AutoApproval, groups: ReadonlySet<string>, now: Date): boolean {
  const asksForNothing = auto.groups === undefined && auto.hours === undefined;
  return (
    !asksForNothing &&
    (auto.groups === undefined || isInOneOf(auto.groups, groups)) &&
    (auto.hours === undefined || isWithinHours(auto.hours, now))
  );
}

/** Whether the moment lies within the hours by the clock of their time zone, daylight saving included. */
export function isWithinHours(hours: WeeklyHours, now: Date): boolean {
  const local = localTime(hours.timeZone, now);
  return (
    local !== undefined &&
    hours.days.some((day) => day === local.day) &&
    // Both have two digits each, so that the order of texts is the order of times; 24:00 is after all of them.
    hours.from <= local.time &&
    local.time < hours.to
  );
}

/** Whether the circle lists the person, or one of the groups (lower-case ids) that hold the person. */
export function isListed(
  circle: PeopleAndGroups,
  principal: { readonly tenantId: string; readonly objectId: string },
  groups: ReadonlySet<string>,
): boolean {
  const isPrincipal = (person: { readonly tenantId: string; readonly objectId: string }) =>
    person.tenantId.toLowerCase() === principal.tenantId.toLowerCase() &&
    idOf(person) === idOf(principal);
  return circle.people.some(isPrincipal) || isInOneOf(circle.groups, groups);
}

function isInOneOf(listed: readonly GroupRef[], groups: ReadonlySet<string>): boolean {
  return listed.some((group) => groups.has(idOf(group)));
}

function idOf({ objectId }: { readonly objectId: string }): string {
  return objectId.toLowerCase();
}

/** NB. A zone that this system does not know has no hours: what hangs on them does not hold. */
function localTime(
  timeZone: string,
  now: Date,
): { readonly day: string; readonly time: string } | undefined {
  try {
    const parts = new Intl.DateTimeFormat("en-US", {
      timeZone,
      weekday: "long",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    }).formatToParts(now);
    const part = (type: Intl.DateTimeFormatPartTypes) =>
      parts.find((each) => each.type === type)?.value ?? "";
    return { day: part("weekday"), time: `${part("hour")}:${part("minute")}` };
  } catch {
    return undefined;
  }
}
