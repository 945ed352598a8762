import type { BigEstate } from "./estate.ts";
import { byKind, isAbout, listOf, type OneByOne, type Repair, type Sweep } from "./measure.ts";

/** What one repair may add to the pages: read, write, ask how it goes (twice at most), read back; one to spare. */
const mostForRepair = 6;

/** Azure's limit on reads by one identity in one subscription: so many at once, so many a second. */
const readLimit = { atOnce: 250, perSecond: 25 } as const;

/** Everything that one estate and page size showed. */
export interface Found {
  readonly big: BigEstate;
  readonly pageSize: number;
  /** One after the other, nothing being wrong. */
  readonly sweeps: readonly Sweep[];
  /** What stayed on the heap from the second to the last of them. */
  readonly keptBytes: number;
  readonly repair: Repair;
  /** After the repair. */
  readonly last: Sweep;
  readonly oneByOne: OneByOne;
}

/** How many pages Azure's lists have. */
function pagesOf({ big, pageSize }: Found): number {
  return Object.values(big.listed).reduce((sum, count) => sum + Math.ceil(count / pageSize), 0);
}

export function describe(found: Found): string {
  const { sweeps, repair, oneByOne, keptBytes } = found;
  const [first] = sweeps;
  if (first === undefined) {
    throw new Error("Nothing was measured.");
  }
  const typicalMs = median(sweeps.map(({ tookMs }) => tookMs));
  const worstMs = Math.max(...sweeps.map(({ tookMs }) => tookMs));
  const processorMs = median(sweeps.map((sweep) => sweep.processorMs));
  const kinds = (requests: Sweep["requests"]) =>
    [...byKind(requests)].map(([kind, count]) => `${count} ${kind}`).join(", ");
  const extra = beyondPages(repair);
  return [
    `nothing to do: ${count(first.requests)} ARM requests (${kinds(first.requests)})`,
    `               ${first.storageReads} reads of storage, the first time; ${sweeps.at(-1)?.storageReads} the last`,
    `               median ${seconds(typicalMs)}, worst ${seconds(worstMs)} of ${sweeps.length}; the service's own processor time ${seconds(processorMs)}`,
    `               heap at most ${megabytes(Math.max(...sweeps.map(({ peakBytes }) => peakBytes)))} above before; ${megabytes(keptBytes)} kept from the 2nd to the last`,
    `one rule gone: ${count(repair.requests)} ARM requests, ${extra.length} of them about its gate (${kinds(extra)}); ${seconds(repair.tookMs)}`,
    `one by one:    ${oneByOne.requests.toLocaleString("en")} ARM requests, ${seconds(oneByOne.extrapolatedMs)}${sampled(found)}`,
    `               ${timesAs(oneByOne.requests / first.requests.length)} as many requests, ${timesAs(oneByOne.extrapolatedMs / typicalMs)} as long; with Azure's limit on reads at`,
    `               least ${seconds(underLimit(oneByOne.requests))} (the sweep: ${seconds(underLimit(first.requests.length))})`,
  ]
    .map((line) => `  ${line}\n`)
    .join("");
}

/** A line per aim; `isMet` is false when one was missed. */
export function verdict(found: Found): { readonly text: string; readonly isMet: boolean } {
  const { sweeps, repair, last } = found;
  const pages = pagesOf(found);
  const quiet = [...sweeps, last];
  const counts = [...new Set(quiet.map(({ requests }) => requests.length))];
  const extra = beyondPages(repair);
  const strangers = extra.filter((request) => !isAbout(repair.gateId, request));
  const lines = [
    {
      isMet: counts.every((each) => each === pages) && quiet.every(isOnlyPages),
      text: `${counts.join(" or ")} requests in each of ${quiet.length} sweeps (aim: the ${pages} pages of Azure's lists)`,
    },
    {
      isMet: quiet.every(hasDoneNothing),
      text: "nothing written to Azure or storage, nothing logged (aim: none where nothing is wrong)",
    },
    {
      isMet: repair.isRepaired && strangers.length === 0 && extra.length <= mostForRepair,
      text: `one rule gone: ${repair.isRepaired ? "put back" : "NOT put back"} with ${pages} + ${extra.length} requests, ${strangers.length} about other gates (aim: at most ${mostForRepair}, none about others)`,
    },
  ];
  return {
    text: lines.map(({ isMet, text }) => `  ${isMet ? "met   " : "MISSED"}  ${text}\n`).join(""),
    isMet: lines.every(({ isMet }) => isMet),
  };
}

/** How requests and time follow from one size to the next, at one page size. */
export function growth(fifth: Found, whole: Found): string {
  const row = (what: string, of: (found: Found) => number, unit: (value: number) => string) =>
    `  ${what.padEnd(24)}${[of(fifth), of(whole)].map((each) => unit(each).padStart(10)).join("")}   ${timesAs(of(whole) / of(fifth))}\n`;
  const plain = (value: number) => value.toLocaleString("en");
  return [
    `\nFrom ${title(fifth)} to ${title(whole)}, pages of ${whole.pageSize}:\n`,
    row("requests of the sweep", ({ sweeps }) => sweeps[0]?.requests.length ?? Number.NaN, plain),
    row("pages of Azure's lists", pagesOf, plain),
    row("requests one by one", ({ oneByOne }) => oneByOne.requests, plain),
    row("time of the sweep", ({ sweeps }) => median(sweeps.map((one) => one.tookMs)), seconds),
    row(
      "processor time of it",
      ({ sweeps }) => median(sweeps.map((one) => one.processorMs)),
      seconds,
    ),
  ].join("");
}

export function title({ big }: Pick<Found, "big">): string {
  const [vms, gates] = [big.vmIds.length, big.gateIds.length].map((each) =>
    each.toLocaleString("en"),
  );
  return `${vms} VMs on ${gates} network security groups`;
}

function beyondPages({ requests }: Sweep): Sweep["requests"] {
  return requests.filter((request) => listOf(request) === undefined);
}

function isOnlyPages(sweep: Sweep): boolean {
  return beyondPages(sweep).length === 0;
}

function hasDoneNothing({ requests, storageWrites, events }: Sweep): boolean {
  const isRead = requests.every(({ method, status }) => method === "GET" && status === 200);
  return isRead && storageWrites === 0 && events.length === 0;
}

function sampled({ big, oneByOne }: Found): string {
  return oneByOne.sampledVms === big.vmIds.length
    ? ""
    : `, extrapolated from ${oneByOne.sampledVms.toLocaleString("en")} VMs and their gates (${oneByOne.sampledRequests.toLocaleString("en")} requests)`;
}

function underLimit(requests: number): number {
  return (Math.max(0, requests - readLimit.atOnce) / readLimit.perSecond) * 1_000;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const count = (all: readonly unknown[]): string => all.length.toLocaleString("en");
const timesAs = (ratio: number): string => `${ratio.toFixed(1)} times`;
const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

const seconds = (milliseconds: number): string => `${(milliseconds / 1_000).toFixed(2)} s`;
