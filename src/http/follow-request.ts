import { z } from "zod";
import { agreed } from "../access/approval.ts";
import {
  endTime,
  type InitiateContent,
  type InitiatePort,
  longestJustification,
  sourceList,
} from "../access/initiate.ts";
import { requestState } from "../access/life.ts";
import { type AccessRequest, isSamePerson, requestedVms, type Window } from "../access/request.ts";
import { isNoWider } from "../access/source-rules.ts";
import { closed } from "../policy/circle-body.ts";
import { durationSeconds } from "../policy/duration.ts";
import { refuseBothSources, sourcePrefix } from "../policy/fields.ts";
import { subscriptionOf } from "../policy/resource-id.ts";
import { type Outcome, ok, type Reason, reasonsFrom, refused, refusedFor } from "../reasons.ts";
import { refusal, withAbout } from "./answer-request.ts";
import { ask, type InitiatePorts, type Lineage } from "./initiate.ts";
import { problem } from "./problem.ts";
import type { Call, Handler } from "./route.ts";
import { namedRequest, type SeePorts } from "./seen-request.ts";

/** What extending and moving need of the world. */
export interface FollowPorts extends InitiatePorts, SeePorts {}

const said = {
  justification: z
    .string("expected text")
    .max(longestJustification, "expected at most 2,000 characters")
    .nullish(),
};

const extension = closed({
  ...said,
  endTimeUtc: endTime.nullish(),
  duration: z.string("expected an ISO 8601 duration such as PT1H").nullish(),
}).check((context) => {
  const { endTimeUtc, duration } = context.value;
  if ((typeof endTimeUtc === "string") === (typeof duration === "string")) {
    const message = "expected exactly one of endTimeUtc and duration, which counts from now";
    context.issues.push({ code: "custom", path: ["endTimeUtc"], message, input: endTimeUtc });
  }
  if (typeof duration === "string" && !((durationSeconds(duration) ?? 0) > 0)) {
    const message = "expected an ISO 8601 duration such as PT1H";
    context.issues.push({ code: "custom", path: ["duration"], message, input: duration });
  }
});

const rebinding = closed({
  ...said,
  allowedSourceAddressPrefix: z.union([sourcePrefix, sourceList]).nullish(),
  allowedSourceAddressPrefixes: sourceList.nullish(),
}).check(refuseBothSources);

/**
 * POST /api/requests/{id}/extend: a new end without a gap. It is a request of its own, decided like any other by policy, rights
 * and approvals as they are now; once it is open it takes the place of the older one.
 */
export function extendRequest(ports: FollowPorts): Handler {
  return follow(ports, "extension", (body, request, windows, now) => {
    const parsed = extension.safeParse(body, { reportInput: true });
    if (!parsed.success) {
      return refusedFor(reasonsFrom(parsed.error, "InvalidInitiateInput"));
    }
    const { endTimeUtc, duration, justification } = parsed.data;
    const seconds = typeof duration === "string" ? durationSeconds(duration) : undefined;
    const endsAt = typeof endTimeUtc === "string" ? new Date(endTimeUtc) : undefined;
    const end = endsAt?.getTime() ?? now.getTime() + (seconds ?? 0) * 1_000;
    const present = Math.max(...windows.map((window) => Date.parse(window.closesAt)));
    if (end <= present) {
      const message = `The new end ${new Date(end).toISOString()} is not after the present one, ${new Date(present).toISOString()}. To end earlier, revoke it.`;
      return refused({ code: "NotLonger", message, target: "endTimeUtc" });
    }
    return ok({
      content: contentOf(request, windows, justification, (window) => ({
        sources: window.sources,
        endsAt,
        durationSeconds: seconds,
      })),
      lineage: {},
    });
  });
}

/**
 * POST /api/requests/{id}/rebind: "my address changed". Moves what is open to another source until the same end; without a
 * source, to the address the call comes from. Approvals go with it, unless the new source is wider than the one that was
 * agreed to.
 */
export function rebindRequest(ports: FollowPorts): Handler {
  return follow(ports, "rebind", (body, request, windows, _now, call) => {
    const parsed = rebinding.safeParse(body, { reportInput: true });
    if (!parsed.success) {
      return refusedFor(reasonsFrom(parsed.error, "InvalidInitiateInput"));
    }
    const { allowedSourceAddressPrefix: one, allowedSourceAddressPrefixes: many } = parsed.data;
    const named = typeof one === "string" ? [one] : (one ?? many ?? []);
    const sources = named.length > 0 ? named : callersOwn(call);
    if (sources.length === 0) {
      const message =
        "The address this call came from cannot be told; name the new source in allowedSourceAddressPrefix.";
      const target = "allowedSourceAddressPrefix";
      return refused({ code: "InvalidInitiateInput", message, target });
    }
    const isCarried = windows.every((window) => isNoWider(sources, window.sources));
    return ok({
      content: contentOf(request, windows, parsed.data.justification, (window) => ({
        sources: [...new Set(sources)].toSorted(),
        endsAt: new Date(window.closesAt),
      })),
      lineage: {
        carry: isCarried ? (next) => carried(request, next) : undefined,
      },
    });
  });
}

const callersOwn = ({ callerAddress }: Call): readonly string[] =>
  callerAddress === undefined ? [] : [callerAddress];

/** The approval of a request, or its review, for the one that moves it to another source. */
function carried(older: AccessRequest, next: AccessRequest): AccessRequest | undefined {
  const { approval, decisions = [] } = older;
  if (approval === undefined || approval.automatic !== undefined || agreed(older).length === 0) {
    return undefined;
  }
  const given = decisions.filter(({ kind }) => kind === "approve");
  return { ...next, approval, decisions: given.map((each) => ({ ...each, isTold: true })) };
}

type Reader = (
  body: unknown,
  request: AccessRequest,
  windows: readonly Window[],
  now: Date,
  call: Call,
) => Outcome<{ readonly content: InitiateContent; readonly lineage: Omit<Lineage, "follows"> }>;

function follow(ports: FollowPorts, as: "extension" | "rebind", read: Reader): Handler {
  return async (call) => {
    const seen = await namedRequest(ports, call);
    if ("answer" in seen) {
      return seen.answer;
    }
    const { request } = seen;
    const fault = cannotFollow(request, call);
    if (fault !== undefined) {
      return refusal(request, fault);
    }
    const body = await call.bodyOr({});
    const windows = request.windows.filter(({ state }) => state === "open");
    const now = ports.clock.now();
    const asked = body.outcome === "refused" ? body : read(body.value, request, windows, now, call);
    if (asked.outcome === "refused") {
      return withAbout(request, problem(asked));
    }
    const { content, lineage } = asked.value;
    const address = {
      id: request.policyId,
      subscriptionId: subscriptionOf(request.policyId) ?? "",
    };
    const follows = { requestId: request.id, as };
    const answer = await ask(ports, call, { address, content }, { ...lineage, follows });
    return answer.refusal === undefined ? answer : withAbout(request, answer);
  };
}

/** So often one request may be asked to go on. NB. Its row has to stay small enough to be written, or nobody could end it. */
const mostFollowers = 50;

function cannotFollow(request: AccessRequest, { caller }: Call): Reason | undefined {
  const target = request.id;
  if (!isSamePerson(caller, request.requestor)) {
    const message = `Only ${request.requestor.name}, who asked, may ask for more. Ask for access of your own.`;
    return { code: "NotTheRequestor", message, target };
  }
  if (!request.windows.some(({ state }) => state === "open")) {
    const [next] = request.followedBy?.slice(-1) ?? [];
    const then = next === undefined ? "Ask anew." : `It goes on as ${next}.`;
    const message = `Only what is open can be extended or moved; this request is ${requestState(request)}. ${then}`;
    return { code: "RequestNotOpen", message, target };
  }
  if ((request.followedBy?.length ?? 0) >= mostFollowers) {
    const message = `This request was asked to go on ${mostFollowers} times already. Ask anew.`;
    return { code: "AskedTooOften", message, target };
  }
  return undefined;
}

/** The same VMs and ports again, in the words of an initiate. */
function contentOf(
  request: AccessRequest,
  windows: readonly Window[],
  justification: string | null | undefined,
  terms: (window: Window) => Omit<InitiatePort, "number">,
): InitiateContent {
  const why = justification ?? request.justification;
  const vmIds = requestedVms({ ...request, windows });
  return {
    virtualMachines: vmIds.map((id) => ({
      id,
      ports: windows
        .filter((window) => window.vmId === id)
        .map((window) => ({ number: window.port, ...terms(window) })),
    })),
    ...(why === undefined ? {} : { justification: why }),
    ...(request.isBreakGlass === true ? { breakGlass: true } : {}),
  };
}
