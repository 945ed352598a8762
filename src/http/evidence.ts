import { z } from "zod";
import { isLive } from "../access/life.ts";
import { type AccessRequest, isSamePerson, requestedVms } from "../access/request.ts";
import { evidenceOf } from "../activity/evidence.ts";
import { isCutWrite, isDenyRule, isWrite, rulesOf, touches } from "../activity/evidence-gates.ts";
import { evidenceMarkdown } from "../activity/evidence-markdown.ts";
import { earliestFactOf } from "../activity/query.ts";
import type { ActivityStore, FiledFact } from "../activity/store.ts";
import { createReader } from "../caller/requirements.ts";
import { mapLimited } from "../map-limited.ts";
import { idKey, subscriptionOf } from "../policy/resource-id.ts";
import type { Ids } from "../ports.ts";
import { preferredType } from "./accept.ts";
import { policyOf } from "./evidence-policy.ts";
import { type Answer, problem } from "./problem.ts";
import { queryOf, readQueryAs } from "./query-parameters.ts";
import { readSome } from "./read-some.ts";
import type { Call, Handler } from "./route.ts";
import { namedRequest, type SeenRequest, type SeePorts } from "./seen-request.ts";

export interface EvidencePorts extends SeePorts {
  readonly ids: Ids;
  readonly activity: ActivityStore;
}

/** So many facts of the request are read, and of the gates of its VMs: of each its share, but some hundred. */
const mostRead = { ofRequest: 5_000, ofVms: 5_000, ofEachVm: 200 } as const;
const parallelReads = 4;
const day = 86_400_000;

const queryShape = queryOf({
  format: z.enum(["json", "markdown"], "expected json or markdown").optional(),
});

/**
 * GET /api/requests/{id}/evidence: the whole story of a request as one document, for whoever may see the request, as JSON or, with
 * `Accept: text/markdown` or `format=markdown`, for people to read. The SHA-256 of the JSON is in a header of both.
 */
export function getEvidence(ports: EvidencePorts): Handler {
  return async (call) => {
    const asked = readQueryAs(queryShape, call.url);
    if (asked.outcome === "refused") {
      return problem(asked);
    }
    const seen = await namedRequest(ports, call);
    if ("answer" in seen) {
      return seen.answer;
    }
    const evidence = await collect(ports, call, seen);
    const json = JSON.stringify(evidence);
    const digest = ports.ids.digest(json);
    const isMarkdown =
      asked.value.format === undefined
        ? preferredType(call.header("accept"), ["application/json", "text/markdown"]) ===
          "text/markdown"
        : asked.value.format === "markdown";
    return isMarkdown
      ? text("text/markdown; charset=utf-8", evidenceMarkdown(evidence, digest), digest)
      : text("application/json; charset=utf-8", json, digest);
  };
}

/** NB. Sent exactly as it was digested. */
function text(contentType: string, content: string, digest: string): Answer {
  return {
    status: 200,
    raw: { bytes: new TextEncoder().encode(content), contentType },
    headers: { "x-jit-evidence-sha256": digest, vary: "accept" },
  };
}

async function collect(ports: EvidencePorts, { caller }: Call, { request, shows }: SeenRequest) {
  const now = ports.clock.now();
  const { policyId } = request;
  const rights = await ports.rights.of(caller, subscriptionOf(policyId) ?? "");
  const mayRead = createReader(rights);
  const readsAll = requestedVms(request).every((vmId) => mayRead(vmId, policyId));
  const span = { from: earliestFactOf(request), to: endOf(request, now) };
  const [{ policy, facts: ofPolicy }, ofRequest] = await Promise.all([
    policyOf(ports, request, { mayRead, shows }),
    readSome(ports.activity.walk({ of: { requestId: request.id }, ...span }), mostRead.ofRequest),
  ]);
  const vms = requestedVms(request).filter((vmId) => shows(idKey(vmId)));
  const most = Math.max(mostRead.ofEachVm, Math.floor(mostRead.ofVms / Math.max(1, vms.length)));
  const ofVms = await mapLimited(vms, parallelReads, (vmId) =>
    gateFacts(ports, request, ofRequest.kept, { vmId, ...span, most }),
  );
  return evidenceOf({
    request,
    policy,
    facts: [...ofPolicy, ...ofRequest.kept, ...ofVms.flatMap(({ kept }) => kept)],
    unread: [ofRequest, ...ofVms].reduce((sum, { unread }) => sum + unread, 0),
    now,
    shows,
    seesOrigin: (person) => readsAll || (person !== undefined && isSamePerson(person, caller)),
  });
}

/** What is told about a request comes within a day of the last thing that happened to it. */
function endOf(request: AccessRequest, now: Date): Date {
  const moments = [
    request.createdAt,
    ...(request.decisions ?? []).map(({ at }) => at),
    ...request.windows.flatMap(({ closedAt, closesAt }) => closedAt ?? closesAt),
  ];
  const last = Math.max(...moments.map((at) => Date.parse(at)));
  return isLive(request) ? now : new Date(Math.min(now.getTime(), last + day));
}

/** What was written on the gates of a VM for the request, or put right there meanwhile. */
function gateFacts(
  { activity }: EvidencePorts,
  request: AccessRequest,
  ofRequest: readonly FiledFact[],
  {
    vmId,
    from,
    to,
    most,
  }: {
    readonly vmId: string;
    readonly from: Date;
    readonly to: Date;
    readonly most: number;
  },
) {
  const told = { request, ofRequest: ofRequest.map(({ fact }) => fact) };
  const windows = request.windows.filter((window) => idKey(window.vmId) === idKey(vmId));
  const isMeant = rulesOf(told, ...windows);
  // What held the VM closed before it was asked for is another story.
  const isMeanwhile = (at: string) => at >= request.createdAt;
  const operations = ["gate.write", "gate.repair", "gate.clean"] as const;
  return readSome(
    activity.walk({ of: { vmId }, from, to, where: { operations } }),
    most,
    // What became of a write comes first, and does not tell of which rules it was.
    ({ fact }) =>
      isWrite(fact)
        ? fact.outcome !== "asked" || touches(fact, isMeant) || isCutWrite(fact)
        : touches(fact, (rule) => isMeant(rule) || (isDenyRule(rule) && isMeanwhile(fact.at))),
  );
}
