import type { Behaviour } from "../../local/cloud/estate.ts";
import { OptionsError, parseValues, wholeNumber } from "../options.ts";

const parallelWrites = ["supersede", "retry later", "conflict"] as const;
export type ParallelWrites = Behaviour["parallelWrites"];

export interface Options {
  readonly requests: number;
  readonly writeMs: number;
  /** What the pretend cloud does with a write that comes while another runs; each is measured on its own. */
  readonly parallelWrites: readonly ParallelWrites[];
  /** The common way is stopped after this time. */
  readonly limitMs: number;
  readonly isCommonWayWanted: boolean;
  /** The second size, with the durable history in memory; 0 leaves it out. */
  readonly grownTo: number;
}

const defaults = {
  requests: "50",
  "write-ms": "4000",
  "parallel-writes": "supersede,retry later",
  "limit-seconds": "300",
  "grown-to": "200",
} as const;

/** As many rules as the service keeps priorities for on one group. */
const mostRequests = 200;

export const help = `npm run bench -- contention [option …]

Many people ask at once, each for another VM, all VMs behind one network security group. Measured are the writes to the group
and the time until the last port is open, seen by reading the group: through the service, and the common way, where each
writes a rule with the Azure SDK. Every measurement has a system of its own, with real processes.

  --requests N            how many ask at once (default ${defaults.requests}, at most ${mostRequests})
  --write-ms N            how long a write of the group takes (default ${defaults["write-ms"]})
  --parallel-writes LIST  what Azure does with a write that comes while another runs, one or more of ${parallelWrites.map((each) => `"${each}"`).join(", ")},
                          with commas between (default "${defaults["parallel-writes"]}")
  --limit-seconds N       after this the common way is stopped (default ${defaults["limit-seconds"]})
  --ours-only             without the common way
  --grown-to N            then the service alone with N requests and its durable history in memory; 0 leaves that out
                          (default ${defaults["grown-to"]})
  --help                  this text
`;

/** Throws an OptionsError about the first option that is wrong. */
export function parseOptions(given: readonly string[]): Options | "help" {
  const values = parseValues(given, {
    requests: { type: "string", default: defaults.requests },
    "write-ms": { type: "string", default: defaults["write-ms"] },
    "parallel-writes": { type: "string", default: defaults["parallel-writes"] },
    "limit-seconds": { type: "string", default: defaults["limit-seconds"] },
    "grown-to": { type: "string", default: defaults["grown-to"] },
    "ours-only": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  });
  if (values.help) {
    return "help";
  }
  return {
    requests: wholeNumber("requests", values.requests, 1, mostRequests),
    writeMs: wholeNumber("write-ms", values["write-ms"], 1, 600_000),
    parallelWrites: values["parallel-writes"].split(",").map(parallelWritesOf),
    limitMs: wholeNumber("limit-seconds", values["limit-seconds"], 1, 3_600) * 1_000,
    isCommonWayWanted: !values["ours-only"],
    grownTo: wholeNumber("grown-to", values["grown-to"], 0, mostRequests),
  };
}

function parallelWritesOf(text: string): ParallelWrites {
  const found = parallelWrites.find((each) => each === text.trim());
  if (found === undefined) {
    throw new OptionsError(
      `--parallel-writes takes ${parallelWrites.join(", ")}, with commas between; not "${text}".`,
    );
  }
  return found;
}
