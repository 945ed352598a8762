import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { z } from "zod";
import { chainParts } from "../activity/places.ts";
import { dayStart } from "../activity/row-keys.ts";
import type { ChainHead, FiledFact, Ledger } from "../activity/store.ts";
import { mapLimited } from "../map-limited.ts";
import type { Clock, Rights } from "../ports.ts";
import { type Outcome, ok, refused } from "../reasons.ts";
import { acceptsGzip } from "./accept.ts";
import { jsonLine } from "./activity-lines.ts";
import { type ActivityView, createActivityView } from "./activity-view.ts";
import { createDownloadSlots, inSlot } from "./download-slots.ts";
import {
  dayOf,
  dayText,
  type ExportCursor,
  movedCursor,
  openDays,
  readCursor,
  writeCursor,
} from "./export-cursor.ts";
import { listQuery, listTime } from "./list-query.ts";
import { type Answer, problem, problemOf } from "./problem.ts";
import { readQueryAs } from "./query-parameters.ts";
import type { Call, Handler } from "./route.ts";

export interface ActivityExportPorts {
  readonly clock: Clock;
  readonly rights: Rights;
  readonly ledger: Ledger;
}

/** How many facts a portion holds. */
const portionSizes = { usual: 1_000, largest: 5_000 } as const;
/** NB. A portion ends early where its facts are large: all of it is held in memory. In characters. */
const portionText = 4_000_000;
/** Facts that are read at once. */
const factsAtOnce = 200;
/** NB. So many days are looked at by one call; what is behind them the next one sees. */
const daysAtOnce = 40;
const parallelReads = 8;

const gzipped = promisify(gzip);

const queryShape = listQuery(
  {
    subscriptionId: z.guid("expected a subscription id"),
    cursor: z.string().max(2_000, "expected the x-jit-cursor of an answer").optional(),
  },
  portionSizes.largest,
);

interface AskedExport {
  readonly subscriptionId: string;
  readonly cursor: ExportCursor;
  readonly top: number;
}

/** What one call fetches. */
interface Portion {
  readonly lines: readonly string[];
  /** How far each day's chain is fetched now. */
  readonly reached: readonly number[];
  /** How many days were gone through to their end; fewer than were asked for where the portion is full. */
  readonly finished: number;
}

/**
 * GET /api/activity/export: the facts of a subscription in portions, in the order of recording, for programs that fetch all of them. Each answer
 * tells in a header where the next portion begins. At least once: whoever fetches a portion again gets it again.
 */
export function exportActivity(ports: ActivityExportPorts): Handler {
  const slots = createDownloadSlots();
  return async (call) => {
    const asked = readQuery(call, ports.clock.now());
    if (asked.outcome === "refused") {
      return problem(asked);
    }
    const { subscriptionId } = asked.value;
    const view = createActivityView(ports.rights, call.caller);
    if (!(await view.mayRead(`/subscriptions/${subscriptionId}`))) {
      return problemOf(
        "AuthorizationFailed",
        `'${call.caller.name}' may not read the activity of the whole subscription '${subscriptionId}'. Ask its owner for a role assignment, or take what you may read from /api/activity.`,
        "subscriptionId",
      );
    }
    return inSlot(slots, call.caller, () => portionOf(ports, asked.value, call, view));
  };
}

function readQuery(call: Call, now: Date): Outcome<AskedExport> {
  const read = readQueryAs(queryShape, call.url);
  if (read.outcome === "refused") {
    return read;
  }
  const { subscriptionId, cursor: text, from, to, $skiptoken, top } = read.value;
  const beside = Object.entries({ to, $skiptoken, from: text === undefined ? undefined : from });
  const [stranger] = beside.find(([, value]) => value !== undefined) ?? [];
  if (stranger !== undefined) {
    const message = `'${stranger}' means nothing here. A first call may have 'from', all others the 'cursor' of the answer before.`;
    return refused({ code: "InvalidQuery", message, target: stranger });
  }
  const time = listTime({ from }, now);
  if (time.outcome === "refused") {
    return time;
  }
  const begin = { day: Math.max(0, dayOf(time.value.from)), reached: [] };
  const cursor = text === undefined ? begin : readCursor(text, subscriptionId);
  return cursor === undefined || cursor.day > dayOf(now) + 1
    ? refused({
        code: "InvalidQuery",
        message: `'cursor' is not one of this subscription; bring back the x-jit-cursor of the answer before as it is, or begin anew with 'from'.`,
        target: "cursor",
      })
    : ok({ subscriptionId, cursor, top: top ?? portionSizes.usual });
}

async function portionOf(
  { clock, ledger }: ActivityExportPorts,
  { subscriptionId, cursor: given, top }: AskedExport,
  call: Call,
  view: ActivityView,
): Promise<Answer> {
  const today = dayOf(clock.now());
  const cursor = await fromFirstMonth(ledger, given, today);
  const count = Math.max(0, Math.min(daysAtOnce, today - cursor.day + 1));
  const heads = await headsOf(ledger, subscriptionId, cursor.day, count);
  const { lines, reached, finished } = await readPortion(ledger, heads, cursor.reached, top, view);
  const next = movedCursor({ day: cursor.day, reached }, finished, today);
  return linesAnswer(call, lines, {
    "x-jit-cursor": writeCursor(next, subscriptionId),
    "x-jit-more": String(cursor.day + finished <= today),
  });
}

/** The end of each day's chain, of so many days; nothing for a day without facts. */
async function headsOf(
  ledger: Pick<Ledger, "daysOf">,
  subscriptionId: string,
  firstDay: number,
  count: number,
): Promise<readonly (ChainHead | undefined)[]> {
  const last = dayText(firstDay + count - 1);
  const found = count === 0 ? [] : await ledger.daysOf(subscriptionId, dayText(firstDay), last);
  const byDay = new Map(found.map((head) => [dayOf(new Date(dayOfChain(head.chain))), head]));
  return Array.from({ length: count }, (_, index) => byDay.get(firstDay + index));
}

/** When the day begins that a subscription's chain is of. */
function dayOfChain(chain: string): number {
  return dayStart(chainParts(chain).partition.split("|").at(-1) ?? "");
}

/** NB. Nobody has to be led through years without facts, forty days at a time. */
async function fromFirstMonth(
  ledger: Pick<Ledger, "months">,
  cursor: ExportCursor,
  today: number,
): Promise<ExportCursor> {
  if (cursor.day > today - daysAtOnce) {
    return cursor;
  }
  const [month] = await ledger.months();
  const first =
    month === undefined ? today - openDays + 1 : dayOf(new Date(`${month}-01T00:00:00Z`));
  return movedCursor(cursor, Math.max(0, first - cursor.day), today);
}

/** The facts that come next, day by day, until the portion is full. */
async function readPortion(
  ledger: Pick<Ledger, "after">,
  heads: readonly (ChainHead | undefined)[],
  begin: readonly number[],
  top: number,
  view: ActivityView,
): Promise<Portion> {
  const lines: string[] = [];
  const reached = heads.map((_, index) => begin[index] ?? 0);
  let text = 0;
  for (const [index, head] of heads.entries()) {
    while (head !== undefined && head.sequence > (reached[index] ?? 0)) {
      const most = Math.min(top - lines.length, factsAtOnce);
      if (most === 0 || text >= portionText) {
        return { lines, reached, finished: index };
      }
      const some = await ledger.after(head.chain, reached[index] ?? 0, most);
      // NB. A chain that ends before its head says is for the verification to tell; nobody is kept at it.
      reached[index] = some.at(-1)?.position.sequence ?? head.sequence;
      const told = await mapLimited(some, parallelReads, (filed) => lineOf(filed, view));
      lines.push(...told);
      text += told.reduce((sum, line) => sum + line.length, 0);
    }
  }
  return { lines, reached, finished: heads.length };
}

/** NB. Who may read a subscription may still be denied one of its machines: of that nothing is told. */
async function lineOf({ fact, position }: FiledFact, view: ActivityView): Promise<string> {
  const seen = await view.see(fact);
  return seen?.isReader === true ? jsonLine({ fact, position }) : "";
}

async function linesAnswer(
  call: Call,
  lines: readonly string[],
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const isGzipped = acceptsGzip(call.header("accept-encoding"));
  const text = lines.join("");
  const bytes = isGzipped ? await gzipped(text) : new TextEncoder().encode(text);
  return {
    status: 200,
    raw: { bytes, contentType: "application/x-ndjson" },
    headers: {
      vary: "accept-encoding",
      ...(isGzipped ? { "content-encoding": "gzip" } : {}),
      ...headers,
    },
  };
}
