import type { FactRow } from "../activity/columns.ts";
import type { Fact } from "../activity/fact.ts";
import type { ActivityStore, FiledFact } from "../activity/store.ts";
import { resourceName } from "../policy/resource-id.ts";
import type { Clock } from "../ports.ts";
import { acceptsGzip } from "./accept.ts";
import { csvHead, csvLine } from "./activity-csv.ts";
import { jsonLine } from "./activity-lines.ts";
import type { ActivityFormat, AskedActivity } from "./activity-query.ts";
import type { SeenFact } from "./activity-view.ts";
import { type Download, DownloadEnded, makeDownload } from "./download.ts";
import { createDownloadSlots, inSlot } from "./download-slots.ts";
import { type Answer, problemOf } from "./problem.ts";
import type { Call } from "./route.ts";

/** A file has so many bytes as it is sent. */
const mostBytes = 16 * 1024 * 1024;
/** Before the platform gives up on an answer: it waits for 230 s (Microsoft Learn, "Azure Functions HTTP trigger", limits). */
const longestMs = 100_000;

const files = {
  csv: { contentType: "text/csv; charset=utf-8; header=present", head: csvHead, line: csvLine },
  ndjson: { contentType: "application/x-ndjson", head: "", line: jsonLine },
} as const;

type See = (fact: Fact) => Promise<SeenFact | undefined>;

interface DownloadPorts {
  readonly clock: Clock;
  readonly activity: ActivityStore;
}

/** Makes files of the activity, a few at a time. */
export function createActivityDownloads(ports: DownloadPorts) {
  const slots = createDownloadSlots();
  return {
    /** Everything that was asked for in one file, or why not; never a part of it. */
    answer: (
      asked: AskedActivity,
      format: Exclude<ActivityFormat, "json">,
      call: Call,
      see: See,
    ): Promise<Answer> =>
      inSlot(slots, call.caller, () => downloadOf(ports, asked, format, call, see)),
  };
}

async function downloadOf(
  { clock, activity }: DownloadPorts,
  asked: AskedActivity,
  format: Exclude<ActivityFormat, "json">,
  call: Call,
  see: See,
): Promise<Answer> {
  const { head, line, contentType } = files[format];
  const isGzipped = acceptsGzip(call.header("accept-encoding"));
  const startedAt = clock.now().getTime();
  const isTimeUp = () => clock.now().getTime() - startedAt > longestMs;
  const { of, from, to } = asked;
  // NB. A text is looked for here, in `see`: a store that finds none would not come back in time to be stopped.
  const where = { ...asked.where, text: undefined };
  // NB. Nor would one that has nothing of that kind in a long history.
  const onAnswer = () => {
    if (isTimeUp()) {
      throw new DownloadEnded("too slow");
    }
  };
  const texts = textsOf(activity.walk({ of, where, from, to, onAnswer }), see, head, line);
  const made = await makeDownload(texts, { isGzipped, mostBytes, isTimeUp });
  return made.outcome === "made"
    ? { status: 200, ...fileOf(made, contentType, `${fileNameOf(asked)}.${format}`, isGzipped) }
    : tooMuch(made.outcome, isGzipped);
}

/** A text for every fact, though an empty one for what is not shown: whoever takes them can tell how long it takes. */
async function* textsOf(
  facts: AsyncIterable<FiledFact>,
  see: See,
  head: string,
  line: (row: FactRow) => string,
): AsyncGenerator<string> {
  yield head;
  for await (const { fact, position } of facts) {
    const seen = await see(fact);
    yield seen === undefined
      ? ""
      : line({ fact: seen.fact, position: seen.isReader ? position : undefined });
  }
}

function fileOf(
  { bytes }: Extract<Download, { readonly outcome: "made" }>,
  contentType: string,
  fileName: string,
  isGzipped: boolean,
): Pick<Answer, "raw" | "headers"> {
  return {
    raw: { bytes, contentType },
    headers: {
      "content-disposition": `attachment; filename="${fileName}"`,
      ...(isGzipped ? { "content-encoding": "gzip" } : {}),
    },
  };
}

/** What it is about, and the day up to which it goes. NB. Letters, digits and `.-_` alone: it stands in a header, and becomes a file. */
function fileNameOf({ of, to }: AskedActivity): string {
  const about =
    "vmId" in of
      ? `vm-${resourceName(of.vmId)}`
      : "person" in of
        ? `person-${of.person.objectId}`
        : "requestId" in of
          ? `request-${of.requestId}`
          : `subscription-${of.subscriptionId}`;
  const safe = about.replace(/[^\w.-]/g, "-").slice(0, 100);
  return `jit-activity-${safe}-${to.toISOString().slice(0, 10).replaceAll("-", "")}`;
}

function tooMuch(why: "too large" | "too slow", isGzipped: boolean): Answer {
  const what =
    why === "too large"
      ? `This would be more than ${mostBytes / 1024 / 1024} MiB.`
      : `This takes more than ${longestMs / 1_000} seconds to gather.`;
  const compressed =
    isGzipped || why === "too slow"
      ? ""
      : " Accept gzip (curl --compressed), which makes it some ten times smaller.";
  return problemOf(
    "DownloadTooLarge",
    `${what}${compressed} Ask for a shorter time with 'from' and 'to', or take all of a subscription in portions from /api/activity/export.`,
    "from",
  );
}
