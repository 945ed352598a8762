/** The aims. Times are compared with the floor of the same run only. */
const aims = { coldCalls: 3, warmCalls: 0, warmRatio: 1.5 } as const;

/** One decision about all VMs, and the last part of the address of each call to Azure Resource Manager that it took. */
export interface Decision {
  readonly reader: string;
  readonly state: "cold" | "warm";
  readonly calls: readonly string[];
}

export interface Found {
  readonly vms: number;
  readonly rounds: number;
  /** Milliseconds of each read. */
  readonly times: Readonly<Record<"floor" | "warm" | "cold", readonly number[]>>;
  readonly decisions: readonly Decision[];
  /** Calls to Azure Resource Manager of one read with the rights known. */
  readonly readCalls: number;
  /** How often the keys of tokens were fetched in all. */
  readonly keyFetches: number;
}

const names = {
  floor: "without authorisation",
  warm: "rights known",
  cold: "rights asked of Azure",
} as const;

export function describe({ vms, rounds, times, decisions, keyFetches }: Found): string {
  const floor = { p50: percentile(times.floor, 50), p95: percentile(times.floor, 95) };
  const rows = (["floor", "warm", "cold"] as const).map((kind) => {
    const [p50, p95] = [percentile(times[kind], 50), percentile(times[kind], 95)];
    const ratios = `${(p50 / floor.p50).toFixed(2)} and ${(p95 / floor.p95).toFixed(2)} times the floor`;
    const against = kind === "floor" ? "" : `   ${ratios}, ${milliseconds(p50 - floor.p50)} more`;
    return `  ${names[kind].padEnd(24)} p50 ${milliseconds(p50).padStart(9)}   p95 ${milliseconds(p95).padStart(9)}${against}\n`;
  });
  const calls = decisions.map(
    ({ reader, state, calls: each }) =>
      `  ${`${reader}, ${state}`.padEnd(24)} ${each.length}${each.length > 0 ? `: ${each.join(", ")}` : ""}\n`,
  );
  return [
    `Reading a policy of ${vms} VMs, ${rounds} times each in turn; the keys of tokens were fetched ${keyFetches} time(s) in all:\n`,
    ...rows,
    `\nCalls to Azure Resource Manager for one decision about ${vms} VMs in one resource group:\n`,
    ...calls,
    "\n",
  ].join("");
}

/** A line per aim; `isMet` is false when one was missed. */
export function verdict({ times, decisions, readCalls, keyFetches, vms }: Found): {
  readonly text: string;
  readonly isMet: boolean;
} {
  const most = (state: Decision["state"]) =>
    Math.max(...decisions.filter((each) => each.state === state).map(({ calls }) => calls.length));
  const ratio = percentile(times.warm, 50) / percentile(times.floor, 50);
  const lines = [
    {
      isMet: most("cold") <= aims.coldCalls,
      text: `${most("cold")} calls for ${vms} VMs with nothing known (aim: at most ${aims.coldCalls})`,
    },
    {
      isMet: most("warm") <= aims.warmCalls && readCalls <= aims.warmCalls,
      text: `${Math.max(most("warm"), readCalls)} calls with the rights known (aim: none)`,
    },
    {
      isMet: keyFetches === 1,
      text: `${keyFetches} fetch(es) of keys for all tokens (aim: one)`,
    },
    {
      isMet: ratio <= aims.warmRatio,
      text: `a read with the rights known takes ${ratio.toFixed(2)} times the floor (aim: at most ${aims.warmRatio})`,
    },
  ];
  return {
    text: lines.map(({ isMet, text }) => `  ${isMet ? "met   " : "MISSED"}  ${text}\n`).join(""),
    isMet: lines.every(({ isMet }) => isMet),
  };
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return (
    sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN
  );
}

const milliseconds = (value: number): string => `${value.toFixed(2)} ms`;
