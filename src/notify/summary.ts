import { resourceName } from "../policy/resource-id.ts";
import { firstFew } from "../reasons.ts";
import type { Notification, NotificationEvent, Subject } from "./event.ts";
import { firstOf } from "./text.ts";

/** A notification in plain words, for people: no markup of any kind. */
export interface Summary {
  readonly title: string;
  /** Whether somebody should look at it now. */
  readonly isUrgent: boolean;
  readonly lines: readonly SummaryLine[];
}

export interface SummaryLine {
  readonly label: string;
  readonly text: string;
}

/** How many windows or reasons people are shown; the `json` body has more of them. */
const shown = { subjects: 8, reasons: 3, vms: 3, sources: 3 } as const;

/** Those that wait for somebody, or that went wrong. */
const urgent: readonly NotificationEvent[] = ["failed", "overdue", "breakGlass"];

/** Whether somebody should look at it now. */
export const isUrgent = ({ event }: Pick<Notification, "event">): boolean => urgent.includes(event);

/** Puts a notification into words. */
export function summaryOf(notification: Notification): Summary {
  const { items, more } = firstOf(notification.subjects, shown.subjects);
  const hidden = more + notification.moreSubjects;
  const reasons = notification.subjects.flatMap((subject) => subject.reasons ?? []);
  const told = [...new Map(reasons.map((one) => [one.message, one])).values()];
  return {
    title: titleOf(notification),
    isUrgent: isUrgent(notification),
    lines: [
      ...line("Who", notification.requestor?.name),
      ...line("By", decider(notification)),
      ...line("Why", notification.justification),
      ...line("Comment", notification.comment),
      ...awaited(notification),
      ...items.flatMap((subject) => line("What", describe(subject))),
      ...line("", hidden > 0 ? `and ${hidden} more` : undefined),
      ...line("Ended by", endings[notification.endReason ?? "Expired"]),
      ...told.slice(0, shown.reasons).flatMap((one) => line(one.code, one.message)),
      ...line(
        "Policy",
        notification.policyId === undefined ? undefined : resourceName(notification.policyId),
      ),
    ],
  };
}

const endings = {
  Expired: undefined,
  UserRequested: "a person, before its time",
  NewerRequestInitiated: "a newer request of the same person",
} as const;

/** Who decided about it, where that is somebody else than who asked. */
const decider = ({ actor, requestor }: Notification): string | undefined =>
  actor?.objectId === requestor?.objectId ? undefined : actor?.name;

function titleOf({ event, operation, subjects, moreSubjects, awaits }: Notification): string {
  const vms = vmsOf(subjects, moreSubjects);
  switch (event) {
    case "asked":
      return awaits === undefined
        ? `Access to ${vms} was asked for`
        : `Access to ${vms} was asked for and waits for an answer`;
    case "decided":
      return decision(operation, vms);
    case "opened":
      return `Access to ${vms} is open`;
    case "failed":
      return operation === "gate.repair"
        ? `Rules of ${vms} were changed by somebody else and could not be put right`
        : `Access to ${vms} could not be opened`;
    case "closingSoon":
      return `Access to ${vms} closes soon`;
    case "closed":
      return `Access to ${vms} is closed`;
    case "overdue":
      return `Access to ${vms} should be closed and is not yet`;
    case "breakGlass":
      return operation === "access.review"
        ? `Break-glass access to ${vms} was reviewed`
        : `Break-glass access to ${vms}: opens without an approval`;
    case "healed":
      return `Rules of ${vms} were changed by somebody else and were put right`;
  }
}

function decision(operation: Notification["operation"], vms: string): string {
  switch (operation) {
    case "access.approve":
      return `Access to ${vms} was approved`;
    case "access.deny":
      return `Access to ${vms} was denied`;
    case "access.revoke":
      return `Access to ${vms} was ended before its time`;
    default:
      return `Nobody answered in time: the request for ${vms} is over`;
  }
}

function vmsOf(subjects: readonly Subject[], more: number): string {
  const ids = subjects.flatMap(({ vmId }) => (vmId === undefined ? [] : [vmId]));
  const names = [...new Set(ids.map(resourceName))];
  const listed =
    names.length === 0 ? "a network security group or firewall" : firstFew(names, shown.vms);
  return more > 0 ? `${listed} (and more)` : listed;
}

function awaited({ awaits }: Notification): readonly SummaryLine[] {
  if (awaits === undefined) {
    return [];
  }
  const { approvals, answerBy, approvers } = awaits;
  return [
    ...line("Answers needed", `${approvals}, until ${moment(answerBy)}`),
    ...line("Who can answer", firstFew(approvers, 10)),
  ];
}

/** Such as `vm-linux: TCP 22 from 203.0.113.7, until 2030-01-31 13:00 UTC`. */
function describe({ vmId, port, protocol, sources, closesAt, gates }: Subject): string {
  const where = vmId ?? gates?.[0];
  const what = [
    port === undefined ? "" : `${protocol === "*" ? "any protocol" : (protocol ?? "")} ${port}`,
    sources === undefined ? "" : `from ${firstFew(sources.map(anySource), shown.sources)}`,
  ].filter((part) => part !== "");
  const end = closesAt === undefined ? "" : `, until ${moment(closesAt)}`;
  const name = where === undefined ? "" : resourceName(where);
  return [name, ...(what.length === 0 ? [] : [`${what.join(" ").trim()}${end}`])]
    .filter((part) => part !== "")
    .join(": ");
}

const anySource = (source: string): string => (source === "*" ? "anywhere" : source);

/** `2030-01-31T13:00:00.000Z` as people write it; any other text as it is. */
function moment(iso: string): string {
  return iso.replace(
    /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::(\d\d))?(?:\.\d+)?Z$/,
    (_all, day, minute, second) =>
      `${day} ${minute}${second === undefined || second === "00" ? "" : `:${second}`} UTC`,
  );
}

function line(label: string, text: string | undefined): readonly SummaryLine[] {
  return text === undefined || text === "" ? [] : [{ label, text }];
}
