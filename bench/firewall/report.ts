import type { Asked } from "./cloud-log.ts";
import type { CommonWayFound } from "./common-way.ts";
import type { Cost, ServiceFound } from "./measure.ts";

/** The aims for the service. */
const aims = { openingUpdates: 2, openUpdateTimes: 2.2 } as const;

/** What the service did, in update times of the firewall and in seconds. */
export function described(found: ServiceFound, updateMs: number): string {
  const time = timesOf(updateMs);
  const { requests, opening, closing, endsAfterMs } = found;
  const rows = [
    ["all accepted", time(found.acceptedAfterMs)],
    ...opening.updates.map((update) => [
      `update of ${update.dnatRules} DNAT rules begun`,
      time(update.afterMs),
    ]),
    [
      `${found.openedAfterMs.length}/${requests} let through by the firewall`,
      fromTo(found.openedAfterMs, time),
    ],
    [`${found.toldAfterMs.length}/${requests} told as open`, fromTo(found.toldAfterMs, time)],
    [`${found.connected}/${requests} connected at once, by the address and port told`, ""],
    ["it took", costOf(opening)],
    ["the end that all asked for", time(endsAfterMs)],
    ...closing.updates.map((update) => [
      `update of ${update.dnatRules} DNAT rules begun`,
      time(update.afterMs),
    ]),
    [
      `${found.shutAfterMs.length}/${requests} let through no more`,
      `${fromTo(found.shutAfterMs, time)}; ${before(endsAfterMs - (found.shutAfterMs.at(-1) ?? Number.NaN))}`,
    ],
    [`${found.connectedAtEnd}/${requests} could connect at the end`, ""],
    ["told as closed", time(found.toldShutAfterMs)],
    ["it took", costOf(closing)],
  ];
  const width = Math.max(...rows.map(([title = ""]) => title.length));
  return rows.map(([title = "", text]) => `  ${title.padEnd(width)}   ${text}\n`).join("");
}

/** The common way against the service's: what was measured of it, and what that makes for everybody. */
export function comparison(
  service: ServiceFound,
  { requests, doneAfterMs, asked }: CommonWayFound,
  updateMs: number,
): string {
  const time = timesOf(updateMs);
  const last = doneAfterMs.at(-1) ?? Number.NaN;
  const all = (last / requests) * service.requests;
  const ours = service.toldAfterMs.at(-1) ?? Number.NaN;
  const measured = `  one update each, ${requests} measured: ${updatesOf(asked)} for ${requests}, ${asked.refused} refused, ${asked.reads} reads; first done ${time(doneAfterMs[0])}, last done ${time(last)}\n`;
  const computed =
    requests === service.requests
      ? ""
      : `  one update each, ${service.requests} computed from that: ${service.requests} updates, last done ${time(all)}; the update times alone are ${time(service.requests * updateMs)}\n`;
  const isWhole = requests === service.requests ? "" : ", computed";
  return `${measured}${computed}  that is ${(all / ours).toFixed(1)} times as long as with the service until the last is open, and ${(service.requests / service.opening.updates.length).toFixed(0)} times as many updates${isWhole}\n`;
}

/** A line per aim; `isMet` is false when one was missed. */
export function verdict(
  found: ServiceFound,
  updateMs: number,
): { readonly text: string; readonly isMet: boolean } {
  const { requests, opening, toldAfterMs, endsAfterMs, shutAfterMs } = found;
  const isAllOpen = toldAfterMs.length === requests && found.connected === requests;
  const last = toldAfterMs.at(-1) ?? Number.NaN;
  const late = requests - shutAfterMs.filter((afterMs) => afterMs <= endsAfterMs).length;
  const lines = [
    {
      isMet: isAllOpen && opening.updates.length <= aims.openingUpdates,
      text: `${updatesOf(opening)} to open ${found.connected} of ${requests} (aim: at most ${aims.openingUpdates} for all)`,
    },
    {
      isMet: isAllOpen && last <= aims.openUpdateTimes * updateMs,
      text: `last told as open after ${(last / updateMs).toFixed(2)} update times (aim: within ${aims.openUpdateTimes})`,
    },
    {
      isMet: late === 0 && found.connectedAtEnd === 0,
      text: `${late} shut late, ${found.connectedAtEnd} could connect at the end (aim: none)`,
    },
  ];
  return {
    text: lines.map(({ isMet, text }) => `  ${isMet ? "met   " : "MISSED"}  ${text}\n`).join(""),
    isMet: lines.every(({ isMet }) => isMet),
  };
}

function costOf(cost: Cost): string {
  const host =
    cost.hostSeconds === undefined
      ? ""
      : `; ${cost.hostSeconds.toFixed(1)} s of the host's processor time`;
  const refused = cost.refused === 0 ? "" : `, ${cost.refused} refused`;
  return `${updatesOf(cost)}${refused}; ${cost.reads} reads of Azure, ${cost.polls} of them polls${host}`;
}

const updatesOf = ({ updates }: Asked): string =>
  `${updates.length} update${updates.length === 1 ? "" : "s"}`;

const before = (milliseconds: number): string =>
  milliseconds >= 0
    ? `the last ${seconds(milliseconds)} before the end`
    : `the last ${seconds(-milliseconds)} LATE`;

type Time = (milliseconds: number | undefined) => string;

function timesOf(updateMs: number): Time {
  return (milliseconds = Number.NaN) =>
    `+${(milliseconds / updateMs).toFixed(2)} (${seconds(milliseconds)})`;
}

const fromTo = (values: readonly number[], time: Time): string =>
  values.length === 0 ? "none" : `first ${time(values[0])}, last ${time(values.at(-1))}`;

const seconds = (milliseconds: number): string => `${(milliseconds / 1_000).toFixed(1)} s`;
