import type { Requestor } from "../access/request.ts";
import { firstOf, oneLine } from "../notify/text.ts";
import { subscriptionOf } from "../policy/resource-id.ts";
import type { Fact, Operation } from "./fact.ts";

/** One flat event: names with dots as in OCSF 1.1.0, what OCSF has no name for below `unmapped`. */
export type SiemEvent = Readonly<Record<string, unknown>>;

/** How much of a fact is told: a line stays below the 32 KB that Application Insights keeps of one. */
const limits = {
  id: 300,
  name: 150,
  word: 60,
  text: 500,
  said: 2_000,
  path: 200,
  value: 400,
  sources: 20,
  approvers: 10,
  gates: 5,
  rules: 10,
  reasons: 5,
  changes: 10,
} as const;

/** A class of OCSF 1.1.0 (schema.ocsf.io) and what was done there. */
interface Activity {
  readonly class: keyof typeof classes;
  readonly activity: readonly [id: number, name: string];
}

const classes = {
  detection: { uid: 2_004, name: "Detection Finding" },
  authentication: { uid: 3_002, name: "Authentication" },
  entity: { uid: 3_004, name: "Entity Management" },
  access: { uid: 3_005, name: "User Access Management" },
} as const;

const assign: Activity = { class: "access", activity: [1, "Assign Privileges"] };
const revoke: Activity = { class: "access", activity: [2, "Revoke Privileges"] };
const aside = (name: string): Activity => ({ class: "access", activity: [99, name] });
const update: Activity = { class: "entity", activity: [3, "Update"] };
const remove: Activity = { class: "entity", activity: [4, "Delete"] };

const activities: Readonly<Record<Operation, Activity>> = {
  "policy.write": update,
  "policy.delete": remove,
  "policy.accessRules": update,
  "access.initiate": aside("Request"),
  "access.extend": aside("Request"),
  "access.rebind": aside("Request"),
  "access.approve": aside("Approve"),
  "access.deny": aside("Deny"),
  "access.expire": aside("Expire"),
  "access.escalate": aside("Escalate"),
  "access.revoke": aside("End"),
  "access.review": aside("Review"),
  "access.open": assign,
  "access.close": revoke,
  "gate.repair": update,
  "gate.clean": update,
  "gate.write": update,
  "exposure.begin": { class: "detection", activity: [1, "Create"] },
  "exposure.end": { class: "detection", activity: [3, "Close"] },
  "service.signIn": { class: "authentication", activity: [1, "Logon"] },
  "service.configuration": update,
  "activity.drop": remove,
};

/** A fact as one event for a SIEM. Every text in it is one printable line of bounded length, every list is bounded. */
export function siemEvent(fact: Fact): SiemEvent {
  const { class: name, activity } = activities[fact.operation];
  const { uid } = classes[name];
  const [activityId, activityName] = activity;
  return given({
    time_dt: oneLine(fact.at, limits.word),
    category_uid: Math.floor(uid / 1_000),
    class_uid: uid,
    class_name: classes[name].name,
    activity_id: activityId,
    activity_name: activityName,
    type_uid: uid * 100 + activityId,
    ...statusOf(fact),
    ...severityOf(fact),
    "metadata.uid": oneLine(fact.id, limits.id),
    "metadata.version": "1.1.0",
    "metadata.product.name": "JIT Access",
    "metadata.event_code": fact.operation,
    "metadata.correlation_uid": text(fact.origin?.correlationId, limits.word),
    "cloud.account.uid": oneLine(fact.subscriptionId, limits.word),
    ...peopleOf(fact),
    "src_endpoint.ip": text(fact.origin?.address, limits.word),
    "dst_endpoint.uid": text(fact.vmId, limits.id),
    "dst_endpoint.port": fact.port,
    "connection_info.protocol_name": text(fact.protocol, limits.word),
    resources: resourcesOf(fact),
    ...oursOf(fact),
  });
}

function statusOf({ outcome }: Fact): SiemEvent {
  const [id, status] = (
    {
      asked: [99, "Asked"],
      done: [1, "Success"],
      failed: [2, "Failure"],
      refused: [2, "Failure"],
    } as const
  )[outcome];
  return { status_id: id, status, status_detail: outcome };
}

/** High: somebody has to act now. Medium: somebody should look. Low: it was kept from happening. */
function severityOf({ operation, outcome, breakGlass }: Fact): SiemEvent {
  if (operation === "exposure.begin" || `${operation} ${outcome}` === "access.close failed") {
    return { severity_id: 4, severity: "High" };
  }
  if (outcome === "failed" || operation === "gate.repair" || breakGlass === true) {
    return { severity_id: 3, severity: "Medium" };
  }
  return outcome === "refused"
    ? { severity_id: 2, severity: "Low" }
    : { severity_id: 1, severity: "Informational" };
}

/** Who acted, and whose access it is about. */
function peopleOf({ actor, requestor }: Fact): SiemEvent {
  return {
    ...personOf("actor.user", actor),
    "actor.app_uid": text(actor?.application, limits.word),
    ...personOf("user", requestor),
  };
}

function personOf(prefix: string, person: Requestor | undefined): SiemEvent {
  return person === undefined
    ? {}
    : {
        [`${prefix}.uid`]: oneLine(person.objectId, limits.word),
        [`${prefix}.name`]: oneLine(person.name, limits.name),
        [`${prefix}.org.uid`]: oneLine(person.tenantId, limits.word),
        [`${prefix}.type`]: person.kind === "application" ? "Service" : "User",
      };
}

function resourcesOf({ vmId, policyId, gates = [] }: Fact): readonly SiemEvent[] {
  const named = [
    { type: "virtual machine", uid: vmId },
    { type: "policy", uid: policyId },
    ...gates.slice(0, limits.gates).map(({ id }) => ({ type: "gate", uid: id })),
  ];
  return named.flatMap(({ type, uid }) =>
    uid === undefined
      ? []
      : [given({ type, uid: oneLine(uid, limits.id), owner: subscriptionOf(uid) })],
  );
}

/** What OCSF has no name for. */
function oursOf(fact: Fact): SiemEvent {
  const { awaits, claimed, gates, reasons, changes } = fact;
  const ours = given({
    version: fact.version,
    request_id: text(fact.requestId, limits.word),
    window_id: text(fact.windowId, limits.word),
    follows_request_id: text(fact.followsRequestId, limits.word),
    call_id: text(fact.origin?.callId, limits.word),
    sources: lines(fact.sources, limits.sources, limits.word),
    closes_at: text(fact.closesAt, limits.word),
    justification: text(fact.justification, limits.said),
    comment: text(fact.comment, limits.said),
    break_glass: fact.breakGlass,
    approved_by_rule: fact.approvedByRule,
    awaited_approvals: awaits?.approvals,
    answer_by: text(awaits?.answerBy, limits.word),
    approvers: lines(awaits?.approvers, limits.approvers, limits.name),
    end_reason: fact.endReason,
    times: fact.times,
    claimed_tenant: text(claimed?.tenantId, limits.word),
    claimed_user: text(claimed?.objectId, limits.word),
    gates: gates?.slice(0, limits.gates).map((gate) =>
      given({
        uid: oneLine(gate.id, limits.id),
        rules: lines(gate.rules, limits.rules, limits.name),
        read_at: text(gate.readAt, limits.word),
      }),
    ),
    reasons: reasons?.slice(0, limits.reasons).map(({ code, message, target }) =>
      given({
        code,
        message: oneLine(message, limits.text),
        target: text(target, limits.id),
      }),
    ),
    changes: changes?.slice(0, limits.changes).map(({ path, before, after }) =>
      given({
        path: oneLine(path, limits.path),
        before: text(before, limits.value),
        after: text(after, limits.value),
      }),
    ),
    more_changes: Math.max(0, (changes?.length ?? 0) - limits.changes) || undefined,
  });
  return Object.fromEntries(
    Object.entries(ours).map(([name, value]) => [`unmapped.${name}`, value]),
  );
}

const text = (value: string | undefined, most: number): string | undefined =>
  value === undefined ? undefined : oneLine(value, most);

function lines(
  texts: readonly string[] | undefined,
  most: number,
  length: number,
): readonly string[] | undefined {
  if (texts === undefined) {
    return undefined;
  }
  const { items, more } = firstOf(texts, most);
  const cut = items.map((line) => oneLine(line, length));
  return more === 0 ? cut : [...cut, `and ${more} more`];
}

/** Without the members that are not there. */
const given = (members: SiemEvent): SiemEvent =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
