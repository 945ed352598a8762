import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import type { Found } from "./measure.ts";

/** The aims for the service. */
const aims = { mostWrites: 4, mostWriteTimes: 3 } as const;

export interface Row {
  readonly way: string;
  readonly found: Found;
}

/** What the machine is and how busy it was before: times of another machine cannot be compared. */
export function machineFacts(): string {
  const gib = (totalmem() / 2 ** 30).toFixed(0);
  const load = loadavg()[0]?.toFixed(1);
  return `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? "unknown processor"}, ${gib} GiB, Node ${process.version}, load ${load} before`;
}

/** One line per way, in seconds. */
export function table(rows: readonly Row[]): string {
  const head = ["way", "open", "writes", "refused", "half open", "last open", "last told"];
  const body = rows.map(({ way, found }) => [
    way,
    `${found.openedAfterMs.length}/${found.requests}`,
    String(accepted(found).length),
    String(found.writes.length - accepted(found).length),
    seconds(found.openedAfterMs[Math.ceil(found.requests / 2) - 1]),
    seconds(lastOpen(found)),
    seconds(lastTold(found)),
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...body.map((cells) => (cells[column] ?? "").length)),
  );
  return [head, ...body]
    .map((cells) =>
      cells
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join("   "),
    )
    .map((line) => `  ${line}\n`)
    .join("");
}

/** Where the service's time went: when all had been accepted, and each write. */
export function course({ lastAcceptedAfterMs, writes }: Found): string {
  const steps = writes.map(
    ({ afterMs, of, status }) => `+${seconds(afterMs)} PUT of ${of} (${status})`,
  );
  return `  the service: all accepted +${seconds(lastAcceptedAfterMs)}; ${steps.join("; ")}\n`;
}

/** How the common way compares with the service. */
export function comparison(service: Found, { way, found }: Row): string {
  const writes = (accepted(found).length / accepted(service).length).toFixed(1);
  const [ours = Number.NaN, theirs] = [lastOpen(service), lastOpen(found)];
  const time =
    theirs === undefined
      ? `${found.openedAfterMs.length} of ${found.requests} open`
      : `took ${(theirs / ours).toFixed(2)} times as long until the last was open`;
  const told =
    lastTold(found) === undefined
      ? `; stopped after ${seconds(found.endedAfterMs)}, when ${found.told} of ${found.requests} had been told`
      : "";
  return `  ${way}: ${writes} times as many writes, ${time}${told}\n`;
}

/** A line per aim; `isMet` is false when one was missed. */
export function verdict(
  found: Found,
  writeMs: number,
): { readonly text: string; readonly isMet: boolean } {
  const writes = found.writes.length;
  const mostMs = aims.mostWriteTimes * writeMs;
  const last = lastOpen(found);
  const lines = [
    {
      isMet: writes <= aims.mostWrites && last !== undefined,
      text: `${writes} write${writes === 1 ? "" : "s"} to open all (aim: at most ${aims.mostWrites})`,
    },
    {
      isMet: last !== undefined && last <= mostMs,
      text: `last open after ${seconds(last)} (aim: within ${aims.mostWriteTimes} write times, ${seconds(mostMs)})`,
    },
  ];
  return {
    text: lines.map(({ isMet, text }) => `  ${isMet ? "met   " : "MISSED"}  ${text}\n`).join(""),
    isMet: lines.every(({ isMet }) => isMet),
  };
}

function accepted({ writes }: Found): Found["writes"] {
  return writes.filter(({ status }) => status < 300);
}

/** Missing as long as one is closed. */
function lastOpen({ openedAfterMs, requests }: Found): number | undefined {
  return openedAfterMs.length === requests ? openedAfterMs.at(-1) : undefined;
}

/** Missing as long as one does not know. */
function lastTold({ told, requests, endedAfterMs }: Found): number | undefined {
  return told === requests ? endedAfterMs : undefined;
}

function seconds(milliseconds: number | undefined): string {
  return milliseconds === undefined ? "–" : `${(milliseconds / 1_000).toFixed(1)} s`;
}
