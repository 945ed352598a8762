import { OptionsError, parseValues, wholeNumber } from "../options.ts";

export interface Options {
  /** Facts of the long history; the short one is its newest month. */
  readonly facts: number;
  /** The rate at which facts come: how many a month. */
  readonly perMonth: number;
  /** Facts on a page. */
  readonly top: number;
  /** How often each page is read. */
  readonly rounds: number;
  /** Rows of the CSV download. */
  readonly rows: number;
  /** How many record at once. */
  readonly writers: number;
  readonly seed: number;
}

const usual = { facts: "300000", "per-month": "10000", rounds: "30", rows: "100000" } as const;
const quick = { facts: "12000", "per-month": "1000", rounds: "10", rows: "5000" } as const;
const always = { writers: "50", seed: "6" } as const;

/** A page of the API, where a busy VM has so many facts a month; fewer where there are few facts at all. */
const mostOnPage = 100;

export const help = `npm run bench -- activity [option …]

The audit of two deployments with the same estate: one a month old, one many times as old, at the same number of facts a month.
Both are recorded by the service's own store over HTTP into Azurite. Measured, in turn in both, are storage calls and time of
the newest page of a VM, of a person and of a day, and of a page deep in a list; beside them, in the same run, one query that finds
nothing in the same table. Then a download as CSV from the real host in a process of its own, against only reading its facts; and
many writers at once on one VM's chain, against one. Every chain of the newest month is checked, and that no fact is missing.

  --facts N       facts of the long history (default ${usual.facts})
  --per-month N   facts a month, so many has the short history (default ${usual["per-month"]})
  --rounds N      how often each page is read (default ${usual.rounds})
  --rows N        rows of the CSV (default ${usual.rows}; at most what the long history has of one subscription)
  --writers N     writers at once (default ${always.writers})
  --seed N        another seed, another history (default ${always.seed})
  --quick         for trying it out: ${quick.facts} facts, ${quick["per-month"]} a month, ${quick.rows} rows, ${quick.rounds} rounds
  --help          this text

Azurite keeps all of it in memory: about 2.5 GiB for each 100,000 facts. Loading takes most of the time.
`;

/** Throws an OptionsError about the first option that is wrong. */
export function parseOptions(given: readonly string[]): Options | "help" {
  const values = parseValues(given, {
    facts: { type: "string" },
    "per-month": { type: "string" },
    rounds: { type: "string" },
    rows: { type: "string" },
    writers: { type: "string", default: always.writers },
    seed: { type: "string", default: always.seed },
    quick: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  });
  if (values.help) {
    return "help";
  }
  const defaults = values.quick ? quick : usual;
  const number = (name: keyof typeof usual, least: number, most: number) =>
    wholeNumber(name, values[name] ?? defaults[name], least, most);
  const perMonth = number("per-month", 500, 100_000);
  const facts = number("facts", 500, 10_000_000);
  if (facts < perMonth) {
    throw new OptionsError(`--facts is at least one month's, ${perMonth}; it is "${facts}".`);
  }
  return {
    facts,
    perMonth,
    top: Math.min(mostOnPage, Math.floor(perMonth / 100)),
    rounds: number("rounds", 1, 10_000),
    rows: number("rows", 1, 1_000_000),
    writers: wholeNumber("writers", values.writers, 1, 500),
    seed: wholeNumber("seed", values.seed, 0, 1_000_000),
  };
}
