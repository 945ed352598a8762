import { parseValues, wholeNumber } from "../options.ts";

/** How much there is to look through. */
export interface Size {
  readonly vms: number;
  readonly gates: number;
}

export interface Options {
  /** What is measured first, to show growth; missing when the whole is too small for it. */
  readonly fifth: Size | undefined;
  readonly whole: Size;
  /** Each is measured on its own. */
  readonly pageSizes: readonly number[];
  readonly vmsPerPolicy: number;
  readonly rounds: number;
  /** How many VMs are read one by one for the comparison; their gates too. */
  readonly sample: number;
}

const defaults = {
  vms: "5000",
  gates: "500",
  "page-size": "1000,100",
  "vms-per-policy": "1000",
  rounds: "5",
  sample: "1000",
} as const;

/** More deny rules than this on one group would be another benchmark: Azure allows 1,000 rules. */
const mostVmsPerGate = 100;

export const help = `npm run bench -- sweep [option …]

The sweep looks at every gate and every protected VM. Measured are its requests to Azure and its time when nothing is wrong, and
when one rule of one gate is missing; beside it, in the same run, reading each gate and each VM by itself. All VMs are protected
beforehand by the service's own code. Adapters, HTTPS and Table Storage are real, the cloud and Azurite are processes of their own.

  --vms N           protected VMs (default ${defaults.vms})
  --gates N         network security groups before them (default ${defaults.gates}, at most ${mostVmsPerGate} VMs on each)
  --page-size LIST  items on a page of Azure's lists, with commas between (default ${defaults["page-size"]})
  --vms-per-policy N
                    protected by one policy (default ${defaults["vms-per-policy"]}, the most that one takes)
  --rounds N        how often each is measured (default ${defaults.rounds})
  --sample N        how many VMs are read one by one for the comparison (default ${defaults.sample})
  --help            this text

A fifth of the VMs and gates is measured first, to show what grows.
`;

/** Throws an OptionsError about the first option that is wrong. */
export function parseOptions(given: readonly string[]): Options | "help" {
  const values = parseValues(given, {
    vms: { type: "string", default: defaults.vms },
    gates: { type: "string", default: defaults.gates },
    "page-size": { type: "string", default: defaults["page-size"] },
    "vms-per-policy": { type: "string", default: defaults["vms-per-policy"] },
    rounds: { type: "string", default: defaults.rounds },
    sample: { type: "string", default: defaults.sample },
    help: { type: "boolean", default: false },
  });
  if (values.help) {
    return "help";
  }
  const vms = wholeNumber("vms", values.vms, 1, 20_000);
  const gates = wholeNumber("gates", values.gates, Math.ceil(vms / mostVmsPerGate), vms);
  const fifth = { vms: Math.floor(vms / 5), gates: Math.floor(gates / 5) };
  return {
    whole: { vms, gates },
    fifth: fifth.gates > 0 ? fifth : undefined,
    pageSizes: values["page-size"]
      .split(",")
      .map((text) => wholeNumber("page-size", text.trim(), 1, 100_000)),
    vmsPerPolicy: wholeNumber("vms-per-policy", values["vms-per-policy"], 1, 1_000),
    rounds: wholeNumber("rounds", values.rounds, 1, 1_000),
    sample: wholeNumber("sample", values.sample, 1, 5_000),
  };
}
