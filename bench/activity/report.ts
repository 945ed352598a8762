import type { Checked } from "./check.ts";
import type { CsvFound } from "./csv.ts";
import type { Loaded } from "./load.ts";
import type { Growth } from "./memory.ts";
import type { Answered, Floors, PageFound } from "./pages.ts";
import type { WalkFound } from "./walk.ts";
import type { WritersFound } from "./writers.ts";

/** The aims. Times are compared within one run only. */
const aims = { ratio: 1.3, growthBytes: 64 * 2 ** 20 } as const;

/** Everything that was found. */
export interface Found {
  readonly short: Loaded;
  readonly long: Loaded;
  readonly answers: readonly Answered[];
  readonly floors: Floors;
  readonly csv: CsvFound;
  readonly walk: WalkFound;
  readonly writers: readonly WritersFound[];
  readonly checked: Checked;
  /** What is wrong with what was recorded, in words. */
  readonly faults: readonly string[];
}

export function describeLoaded(name: string, { facts, months, tookMs, calls }: Loaded): string {
  const span = `${months[0]?.name} to ${months.at(-1)?.name}`;
  return `  ${name}: ${plain(facts)} facts, ${span}, recorded in ${seconds(tookMs)}: ${plain((facts / tookMs) * 1_000)} facts a second, ${(calls / facts).toFixed(2)} storage calls a fact\n`;
}

/** A line per page: calls, times, and times without what Azurite takes for any query. */
export function describePages(
  { answers, floors, short, long }: Pick<Found, "answers" | "floors" | "short" | "long">,
  rounds: number,
): string {
  const floor = { short: median(floors.short), long: median(floors.long) };
  const rows = answers.map(({ question, short: one, long: other }) => [
    question.name,
    both(one.facts, other.facts),
    both(one.calls.join("/"), other.calls.join("/")),
    milliseconds(median(one.times)),
    milliseconds(median(other.times)),
    question.isUneven === true ? "" : ratioOf(one, other).toFixed(2),
    milliseconds(beyond(one, floor.short)),
    milliseconds(beyond(other, floor.long)),
  ]);
  const head = ["page", "facts", "calls", "short", "long", "ratio", "short −", "long −"];
  return [
    `\nThe newest page in a history of ${plain(short.facts)} facts and in one of ${plain(long.facts)}, medians of ${rounds} in turn:\n`,
    table([head, ...rows]),
    `  One query of the newest month's table that finds nothing: ${milliseconds(floor.short)} and ${milliseconds(floor.long)}, ratio ${(floor.long / floor.short).toFixed(2)}. "−" is\n`,
    "  without that, for each call. It is Azurite's own: it looks at every row of a table for each query, Azure goes by the key.\n",
  ].join("");
}

export function describeCsv({ csv, walk }: Pick<Found, "csv" | "walk">): string {
  const perSecond = (count: number, tookMs: number) => plain((count / tookMs) * 1_000);
  return [
    `\n${plain(csv.rows)} rows as CSV from the host, compressed:\n`,
    `  download      ${seconds(csv.tookMs)}, ${perSecond(csv.rows, csv.tookMs)} rows a second; ${mebibytes(csv.bytes)} sent, ${mebibytes(csv.plainBytes)} plain\n`,
    `  memory        ${growthText(csv.memory)}\n`,
    `  only reading  ${seconds(walk.tookMs)}, ${perSecond(walk.facts, walk.tookMs)} facts a second: the download takes ${(csv.tookMs / walk.tookMs).toFixed(2)} times as long\n`,
    `  memory        ${growthText(walk.memory)}\n`,
  ].join("");
}

export function describeWriters(writers: readonly WritersFound[]): string {
  const floor = writers[0]?.tookMs ?? Number.NaN;
  const head = ["way", "facts", "a second", "of one", "calls", "conflicts", "to sweep", "chains"];
  const rows = writers.map(({ way, facts, tookMs, calls, conflicts, ...more }) => [
    way,
    plain(facts),
    plain((facts / tookMs) * 1_000),
    `${(floor / tookMs).toFixed(2)} ×`,
    plain(calls),
    plain(conflicts),
    plain(more.leftToSweep),
    `${plain(more.chains)} ${more.faults.length === 0 ? "whole" : "BROKEN"}`,
  ]);
  return [
    "\nWriters at once on the chain of one VM, each with a story of its own, fact by fact:\n",
    table([head, ...rows]),
    '  "Apart" have a store each, as in processes of their own, and learn of each other from the storage alone.\n',
  ].join("");
}

/** A line per aim, then what is wrong. Times that miss their aim are no fault: they are the machine's too. */
export function verdict(found: Found): string {
  const even = found.answers.filter(({ question }) => question.isUneven !== true);
  const ratios = even.map(({ short, long }) => ratioOf(short, long));
  const isSame = even.every(
    ({ short, long }) => short.calls.length === 1 && String(short.calls) === String(long.calls),
  );
  const growth = found.csv.memory && found.csv.memory.peak - found.csv.memory.before;
  const times = (found.long.facts / found.short.facts).toFixed(0);
  const { checked, faults } = found;
  const lines = [
    line(isSame, `storage calls of each page at ${times} times the history (aim: equal)`),
    line(
      Math.max(...ratios) <= aims.ratio,
      `a page takes at most ${Math.max(...ratios).toFixed(2)} times as long (aim: ${aims.ratio})`,
    ),
    line(
      growth === undefined ? undefined : growth < aims.growthBytes,
      growth === undefined
        ? "this system does not tell how the host's memory grows"
        : `the host's memory grows by ${mebibytes(growth)} (aim: less than ${mebibytes(aims.growthBytes)})`,
    ),
    ...(faults.length > 0
      ? faults.map((fault) => line(false, fault))
      : [
          line(
            true,
            `no fact is missing, and ${plain(checked.chains)} chains of the newest month with ${plain(checked.rows)} rows are whole`,
          ),
        ]),
  ];
  return `\n${lines.join("")}`;
}

function line(isMet: boolean | undefined, text: string): string {
  const sign = { true: "met   ", false: "MISSED", undefined: "?     " }[`${isMet}`];
  return `  ${sign}  ${text}\n`;
}

function ratioOf(one: PageFound, other: PageFound): number {
  return median(other.times) / median(one.times);
}

function beyond({ times, calls }: PageFound, floor: number): number {
  return median(times) - floor * Math.max(...calls);
}

function growthText(growth: Growth | undefined): string {
  return growth === undefined
    ? "is told on Linux only"
    : `${mebibytes(growth.before)} before, at most ${mebibytes(growth.peak)}: ${mebibytes(growth.peak - growth.before)} more; ${mebibytes(growth.after)} afterwards`;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((cells) => (cells[column] ?? "").length)),
  );
  return rows
    .map((cells) =>
      cells
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join("  "),
    )
    .map((line) => `  ${line}\n`)
    .join("");
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const both = (one: string | number, other: string | number): string =>
  one === other ? String(one) : `${one}, ${other}`;
const plain = (value: number): string => Math.round(value).toLocaleString("en");
const milliseconds = (value: number): string => `${value.toFixed(1)} ms`;
const seconds = (value: number): string => `${(value / 1_000).toFixed(1)} s`;
const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
