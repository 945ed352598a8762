import { parseValues, wholeNumber } from "../options.ts";

export interface Options {
  /** Of the policy that is read, and of the decision whose calls are counted. */
  readonly vms: number;
  readonly rounds: number;
}

const defaults = { vms: "50", rounds: "300" } as const;

export const help = `npm run bench -- authorize [option …]

Somebody reads a policy through the front door. Measured are three reads in turn: without authorisation (the floor), with the token
checked and the rights known, and with the token checked and the rights asked of Azure anew. Then the calls to Azure Resource Manager
for one decision about all VMs, of a person with one role and of one with a role through each of three groups. The front door, the
token check, the adapters, HTTPS and Table Storage are real; the pretend cloud and Azurite are processes of their own.

  --vms N       VMs of the policy, in one resource group (default ${defaults.vms})
  --rounds N    how often each read is measured (default ${defaults.rounds})
  --help        this text
`;

/** Throws an OptionsError about the first option that is wrong. */
export function parseOptions(given: readonly string[]): Options | "help" {
  const values = parseValues(given, {
    vms: { type: "string", default: defaults.vms },
    rounds: { type: "string", default: defaults.rounds },
    help: { type: "boolean", default: false },
  });
  return values.help
    ? "help"
    : {
        vms: wholeNumber("vms", values.vms, 1, 1_000),
        rounds: wholeNumber("rounds", values.rounds, 10, 10_000),
      };
}
