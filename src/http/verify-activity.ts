import { z } from "zod";
import type { Problem } from "../activity/problem.ts";
import type { ActivityStore } from "../activity/store.ts";
import { createReader } from "../caller/requirements.ts";
import type { Clock, Ids, Rights } from "../ports.ts";
import { type Outcome, ok, refused } from "../reasons.ts";
import {
  type CheckedAnchors,
  monthsOf,
  readAnchors,
  type VerifyPorts,
  verifyOneMonth,
} from "../workflow/verify-activity.ts";
import { type Answer, problem, problemOf } from "./problem.ts";
import { queryOf, readQueryAs } from "./query-parameters.ts";
import type { Call, Handler } from "./route.ts";

export interface VerifyActivityPorts extends VerifyPorts {
  readonly activity: ActivityStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly rights: Rights;
}

/** NB. Every row of a month is read: so many verifications go on at once in each instance, and one of each caller. */
const mostAtOnce = 2;
const retryAfterSeconds = 15;

/** No further month is begun after so long, and one that is not done by then is given up; in milliseconds. */
const patience = { toBegin: 30_000, toEnd: 60_000 } as const;

/** So many problems are listed; the rest is counted. */
const mostProblems = 100;

/** How far back a verification without `from` reaches. */
const days = 30;

const day = z.iso.date("expected a day such as 2030-01-31").optional();
const queryShape = queryOf({
  subscriptionId: z.guid("expected a subscription id"),
  from: day,
  to: day,
});

/** What is verified: the months that the days asked for touch. */
interface Asked {
  readonly subscriptionId: string;
  readonly from: string;
  readonly to: string;
}

/**
 * GET /api/activity/verify: whether what is stored of a subscription's activity is what was written, by its chains and the anchors. For
 * whoever may read the subscription itself. What is not done in a minute is left to `nextLink`.
 */
export function verifyActivity(ports: VerifyActivityPorts): Handler {
  const running = new Set<string>();
  return async (call) => {
    const asked = readQuery(call, ports.clock.now());
    if (asked.outcome === "refused") {
      return problem(asked);
    }
    const scope = `/subscriptions/${asked.value.subscriptionId}`;
    const mayRead = createReader(await ports.rights.of(call.caller, asked.value.subscriptionId));
    if (!mayRead(scope)) {
      return problemOf(
        "AuthorizationFailed",
        `'${call.caller.name}' may not read the activity of '${scope}'. Ask an owner of that scope for a role assignment.`,
        "subscriptionId",
      );
    }
    const who = `${call.caller.tenantId}/${call.caller.objectId}`;
    if (running.has(who) || running.size >= mostAtOnce) {
      return tooManyAtOnce();
    }
    running.add(who);
    try {
      return await verify(ports, call, asked.value);
    } finally {
      running.delete(who);
    }
  };
}

function tooManyAtOnce(): Answer {
  const message = `As many verifications as may go on at once are under way. Try again in ${retryAfterSeconds} seconds.`;
  return {
    ...problemOf("TooManyRequests", message),
    headers: { "retry-after": String(retryAfterSeconds) },
  };
}

async function verify(ports: VerifyActivityPorts, call: Call, asked: Asked): Promise<Answer> {
  const startedAt = ports.clock.now().getTime();
  const took = () => ports.clock.now().getTime() - startedAt;
  const there = await ports.ledger.months();
  const anchors = await readAnchors(ports, asked.from.slice(0, 7));
  const span = { from: asked.from.slice(0, 7), to: asked.to.slice(0, 7) };
  const problems: Problem[] = [...anchors.problems];
  const months: string[] = [];
  let [chains, facts] = [0, 0];
  let next: string | undefined;
  for (const month of monthsOf(there, anchors, span)) {
    const verified =
      took() >= patience.toBegin
        ? undefined
        : await verifyOneMonth(ports, month, anchors, {
            subscriptionId: asked.subscriptionId,
            isThere: there.includes(month),
            isLate: () => took() >= patience.toEnd,
          });
    if (verified === undefined) {
      next = month;
      break;
    }
    months.push(month);
    problems.push(...verified.problems);
    chains += verified.chains;
    facts += verified.facts;
  }
  return next !== undefined && months.length === 0
    ? tooLarge(next)
    : answerOf({ call, ports, anchors, months, chains, facts, problems, next });
}

function tooLarge(month: string): Answer {
  return problemOf(
    "NotVerifiedInTime",
    `The activity of ${month} is more than can be verified in a call. The operator can with "npm run verify".`,
  );
}

function answerOf(told: {
  readonly call: Call;
  readonly ports: VerifyActivityPorts;
  readonly anchors: CheckedAnchors;
  readonly months: readonly string[];
  readonly chains: number;
  readonly facts: number;
  readonly problems: readonly Problem[];
  readonly next: string | undefined;
}): Answer {
  const { call, ports, anchors, months, chains, facts, problems, next } = told;
  const { checked, latest = null, latestInContainer } = anchors;
  return {
    status: 200,
    body: {
      verified: problems.length === 0,
      months,
      chains,
      facts,
      problems: problems.slice(0, mostProblems),
      problemCount: problems.length,
      anchors: {
        checked,
        latest,
        ...(ports.anchorContainer === undefined
          ? {}
          : { latestInContainer: latestInContainer ?? null }),
      },
      checkedAt: ports.clock.now().toISOString(),
      ...(next === undefined ? {} : { nextLink: linkFrom(call, next) }),
    },
  };
}

function linkFrom(call: Call, month: string): string {
  const link = new URL(call.url);
  link.searchParams.set("from", `${month}-01`);
  return link.toString();
}

function readQuery(call: Call, now: Date): Outcome<Asked> {
  const read = readQueryAs(queryShape, call.url);
  if (read.outcome === "refused") {
    return read;
  }
  const { subscriptionId, from = dayBefore(now, days), to = dayBefore(now, 0) } = read.value;
  return from <= to
    ? ok({ subscriptionId: subscriptionId.toLowerCase(), from, to })
    : refused({
        code: "InvalidQuery",
        message: `'from' (${from}) is after 'to' (${to}). Left out, they are ${days} days ago and today.`,
        target: read.value.from === undefined ? "to" : "from",
      });
}

function dayBefore(now: Date, count: number): string {
  return new Date(now.getTime() - count * 86_400_000).toISOString().slice(0, 10);
}
