import { parseValues, wholeNumber } from "../options.ts";

/** Which of the sample's firewalls everybody's VM is behind: one with rules of its own, or one with a policy. */
export type Kind = "classic" | "policy";

export interface Options {
  readonly requests: number;
  readonly updateMs: number;
  readonly kind: Kind;
  /** How many of them are measured the common way; the rest is computed. */
  readonly commonWay: number;
}

const defaults = { requests: "50", "update-seconds": "20", "common-way": "5" } as const;

/** So many VMs have an address on the sample's subnet, and so many DNAT rules a place on the firewall. */
const mostRequests = 200;

export const help = `npm run bench -- firewall [option …]

Many people ask at once, each for SSH on another VM, all VMs behind one Azure Firewall, of which one update runs at a time and takes
its time. Measured are the updates until the last port is open, told as open and reached by a real connection, and until the last is
shut again; and the common way, where each writes a rule with the Azure SDK once it is their turn. Every measurement has a system of
its own, with real processes.

  --requests N         how many ask at once (default ${defaults.requests}, at most ${mostRequests})
  --update-seconds N   how long an update of the firewall takes (default ${defaults["update-seconds"]}; Azure needs 180 to 300)
  --policy             behind the firewall with a policy, instead of the one with rules of its own ("classic")
  --common-way N       how many are measured the common way, as each takes an update; the rest is computed (default ${defaults["common-way"]}; 0
                       leaves it out)
  --whole              all of them the common way: ${defaults.requests} updates of ${defaults["update-seconds"]} s are 17 minutes
  --help               this text
`;

/** Throws an OptionsError about the first option that is wrong. */
export function parseOptions(given: readonly string[]): Options | "help" {
  const values = parseValues(given, {
    requests: { type: "string", default: defaults.requests },
    "update-seconds": { type: "string", default: defaults["update-seconds"] },
    "common-way": { type: "string", default: defaults["common-way"] },
    policy: { type: "boolean", default: false },
    whole: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  });
  if (values.help) {
    return "help";
  }
  const requests = wholeNumber("requests", values.requests, 1, mostRequests);
  const commonWay = wholeNumber("common-way", values["common-way"], 0, mostRequests);
  return {
    requests,
    updateMs: wholeNumber("update-seconds", values["update-seconds"], 1, 600) * 1_000,
    kind: values.policy ? "policy" : "classic",
    commonWay: values.whole ? requests : Math.min(commonWay, requests),
  };
}
