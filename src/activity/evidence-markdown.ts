import type { Reason } from "../reasons.ts";
import type {
  Evidence,
  EvidenceDecision,
  EvidenceGate,
  EvidencePolicy,
  EvidenceWindow,
  Incident,
  Proof,
  TimeOpen,
  Witness,
  WriteTold,
} from "./evidence-document.ts";
import { code, codeNote, plain, table } from "./markdown.ts";

/** The evidence for people to read. `digest` is that of the JSON document that says the same. */
export function evidenceMarkdown(evidence: Evidence, digest: string): string {
  const { policy, decisions, windows, refusals } = evidence;
  return `${[
    `# Evidence of request ${code(evidence.requestId)}`,
    verdict(evidence),
    "## Request",
    requestList(evidence),
    "## Policy",
    policyPart(policy),
    "## Decisions",
    decisions.length === 0 ? "None." : decisionTable(decisions),
    ...windows.flatMap(windowPart),
    ...(refusals.length === 0 ? [] : ["## Refused", incidentTable(refusals)]),
    "## Facts",
    factTable(evidence),
    codeNote,
    `SHA-256 of the JSON document that says the same: ${code(digest)}`,
  ].join("\n\n")}\n`;
}

function verdict({ complete, missing, partial, asOf, minutes }: Evidence): string {
  const lines = [
    complete
      ? `**Complete**: everything that should be proven by ${code(asOf)} is.`
      : `**Not complete** as of ${code(asOf)}:`,
    ...missing.map(({ message, windowId, gateId }) => {
      const about = [windowId, gateId].filter((id) => id !== undefined).map(code);
      return `- ${plain(message)}${about.length === 0 ? "" : ` (${about.join(", ")})`}`;
    }),
  ];
  const more = [
    `Open for ${minutes.proven} minutes as proven, ${minutes.possible} at the most, all windows added up.`,
    ...(partial ? ["This is a part: what you may not read is left out."] : []),
  ];
  return [lines.join("\n"), ...more].join("\n\n");
}

function requestList({ request, follows, followedBy }: Evidence): string {
  const { requestor, createdAt, state, justification, breakGlass, approval } = request;
  const lines: readonly (readonly [string, string | undefined])[] = [
    ["by", who(requestor)],
    ["at", code(createdAt)],
    ["state", state],
    ["justification", justification === undefined ? "none" : plain(justification)],
    ["in an emergency", breakGlass && reviewText(breakGlass)],
    ["approval", approval && approvalText(approval)],
    ["takes the place of", follows && `${code(follows.requestId)} (${plain(follows.as)})`],
    ["followed by", followedBy.map(({ requestId }) => code(requestId)).join(", ") || undefined],
  ];
  return lines
    .flatMap(([name, value]) => (value === undefined ? [] : [`- ${name}: ${value}`]))
    .join("\n");
}

function reviewText({
  reviewDueAt,
  reviewedBy,
  reviewedAt,
  comment,
}: NonNullable<Evidence["request"]["breakGlass"]>): string {
  return reviewedAt === undefined
    ? `opened without an approval; not reviewed, due ${reviewDueAt === undefined ? "at no time" : code(reviewDueAt)}`
    : `opened without an approval; reviewed ${code(reviewedAt)} by ${who(reviewedBy)}${comment === undefined ? "" : `, who said: ${plain(comment)}`}`;
}

function approvalText({
  needed,
  given,
  answerBy,
  escalated,
  approvedByRule,
}: NonNullable<Evidence["request"]["approval"]>): string {
  return approvedByRule === undefined
    ? `${given} of ${needed}${answerBy === undefined ? "" : `, answers until ${code(answerBy)}`}${escalated === true ? ", the second circle was asked" : ""}`
    : `by the policy's auto-approval ${approvedByRule} (counted from 0), nobody was asked`;
}

function who(person: Witness | undefined): string {
  if (person === undefined) {
    return "the service";
  }
  const { name, objectId, application, origin } = person;
  const from = origin?.address === undefined ? "" : `, from ${code(origin.address)}`;
  const by = application === undefined ? "" : `, with application ${code(application)}`;
  return `${code(name)} (${code(objectId)}${from}${by})`;
}

const knownInWords: Readonly<Record<EvidencePolicy["known"], string>> = {
  unchanged: "it has not been changed since, so it says now what it said then",
  "changed since": "it has been changed since; this is what the change that made it said",
  "not known": "it has been changed or deleted since, and the audit does not tell what it said",
  "not shown": "you may not read it",
};

function policyPart({ id, changedAt, known, terms, changes = [] }: EvidencePolicy): string {
  const version = changedAt === undefined ? "" : ` as it was changed ${code(changedAt)}`;
  return [
    `${code(id)}${version}: ${knownInWords[known]}.`,
    ...(terms === undefined ? [] : [code(JSON.stringify(terms))]),
    ...(changes.length === 0
      ? []
      : [
          table(
            ["VM", "path", "before", "after"],
            changes.map(({ vmId, path, before, after }) => [vmId, path, before, after].map(orDash)),
          ),
        ]),
  ].join("\n\n");
}

const orDash = (text: string | undefined): string => (text === undefined ? "–" : code(text));

function decisionTable(decisions: readonly EvidenceDecision[]): string {
  return table(
    ["at", "decision", "by", "comment"],
    decisions.map(({ at, kind, by, comment, carriedFrom }) => [
      code(at),
      `${kind}${carriedFrom === undefined ? "" : ` (of ${code(carriedFrom)})`}`,
      by === undefined ? "the time" : who(by),
      comment === undefined ? "" : plain(comment),
    ]),
  );
}

function windowPart(window: EvidenceWindow): readonly string[] {
  const { vmId, port, protocol, sources, state, endReason, exposure, gates } = window;
  const list = [
    `- VM: ${code(vmId)}`,
    `- state: ${state}${endReason === undefined ? "" : ` (${endReason})`}`,
    `- end of its time: ${code(window.closesAt)}`,
    `- sources: ${sources.map(code).join(", ")}`,
    `- open as proven: ${timeText(exposure.proven)}`,
    `- open at the most: ${timeText(exposure.possible)}`,
    ...reasonLines(window.reasons),
  ];
  return [
    `## Window ${code(window.id)}: port ${port}, ${protocol === "*" ? "any protocol" : protocol}`,
    list.join("\n"),
    ...(gates.length === 0 ? ["No gate was touched for it."] : gates.flatMap(gatePart)),
    ...(window.repairs.length === 0
      ? []
      : ["### Put right meanwhile", incidentTable(window.repairs)]),
    ...(window.failures.length === 0 ? [] : ["### Failures", incidentTable(window.failures)]),
  ];
}

function timeText(time: TimeOpen | undefined): string {
  return time === undefined
    ? "not at all"
    : `${time.minutes} minutes, from ${code(time.from)} to ${time.to === undefined ? "now" : code(time.to)}`;
}

function gatePart({ id, opened, closed, writes }: EvidenceGate): readonly string[] {
  return [
    `### Gate ${code(id)}`,
    [`- opened: ${proofText(opened)}`, `- closed: ${proofText(closed)}`].join("\n"),
    writes.length === 0
      ? "No write is recorded."
      : table(["at", "outcome", "rule", "before", "after", "read back"], writes.flatMap(writeRows)),
  ];
}

function proofText({ message, readAt, toldAt, etag, rules = [] }: Proof): string {
  const when = readAt ?? toldAt;
  return [
    plain(message),
    ...(when === undefined ? [] : [`${readAt === undefined ? "Told" : "Read"} ${code(when)}.`]),
    ...(etag === undefined ? [] : [`ETag ${code(etag)}.`]),
    ...(rules.length === 0 ? [] : [`Rules ${rules.map(code).join(", ")}.`]),
  ].join(" ");
}

function writeRows({ at, outcome, changes, readAt, reasons }: WriteTold): readonly string[][] {
  const read = readAt === undefined ? "" : code(readAt);
  const said = `${outcome}${reasonText(reasons)}`;
  return changes.length === 0
    ? [[code(at), said, "–", "–", "–", read]]
    : changes.map(({ rule, before, after }) => [
        code(at),
        said,
        code(rule),
        orDash(before),
        orDash(after),
        read,
      ]);
}

function incidentTable(incidents: readonly Incident[]): string {
  return table(
    ["at", "what", "by", "why"],
    incidents.map(({ at, operation, outcome, actor, reasons }) => [
      code(at),
      `${operation} ${outcome}`,
      who(actor),
      reasonText(reasons).replace(/^: /, ""),
    ]),
  );
}

const reasonText = (reasons: readonly Reason[] = []): string =>
  reasons.length === 0
    ? ""
    : `: ${reasons.map(({ code: name, message }) => `${name}, ${plain(message)}`).join("; ")}`;

const reasonLines = (reasons: readonly Reason[] = []): readonly string[] =>
  reasons.map(({ code: name, message }) => `- ${name}: ${plain(message)}`);

function factTable({ facts }: Evidence): string {
  return table(
    ["at", "fact", "what", "chain", "number", "hash"],
    facts.map(({ at, id, operation, outcome, position }) => [
      code(at),
      code(id),
      `${operation} ${outcome}`,
      code(position.chain),
      String(position.sequence),
      code(position.hash),
    ]),
  );
}
