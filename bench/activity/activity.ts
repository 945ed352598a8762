import { join } from "node:path";
import type { Estate } from "../../local/cloud/estate.ts";
import { loadEstate } from "../../local/cloud/load-estate.ts";
import { type Azurite, startAzurite } from "../../test/support/azurite.ts";
import { machineFacts } from "../contention/report.ts";
import { openAudit } from "./audit.ts";
import { checkChains, missingFacts } from "./check.ts";
import { downloadCsv, newestOf } from "./csv.ts";
import { auditedEstate } from "./estate.ts";
import { monthsOf } from "./history.ts";
import { load } from "./load.ts";
import { help, type Options, parseOptions } from "./options.ts";
import { readPages } from "./pages.ts";
import { questionsFor } from "./questions.ts";
import { describeCsv, describeLoaded, describePages, describeWriters, verdict } from "./report.ts";
import { walkAlone } from "./walk.ts";
import { writeTogether } from "./writers.ts";

/** The subscription beside the sample estate's. */
const secondSubscription = "00000000-0000-4000-8000-0000000000a2";

const aboutAzurite = `Both histories are in one Azurite, a process of its own that keeps them in memory and writes no file. Its own are: one thread for all
calls, and a look at every row of a table for each query. Neither is Azure's.
`;

/** A limit, not what it takes: 300,000 facts are about two million rows. */
const heapMebibytes = 16_000;

/** The audit at some and at many times the history. Answers whether everything recorded is there and whole, whatever it took. */
export async function benchActivity(given: readonly string[]): Promise<boolean> {
  const options = parseOptions(given);
  if (options === "help") {
    say(help);
    return true;
  }
  say(`${machineFacts()}\n${aboutAzurite}`);
  const sample = await loadEstate(
    join(import.meta.dirname, "../../local/cloud/estates/sample.json"),
  );
  const azurite = await startAzurite({ heapMebibytes });
  try {
    return await measure(azurite, sample, options);
  } finally {
    await azurite.stop();
  }
}

async function measure(
  { connectionString }: Azurite,
  sample: Estate,
  options: Options,
): Promise<boolean> {
  const { seed, facts, perMonth } = options;
  const estate = auditedEstate(sample.tenantId, [sample.subscriptionId, secondSubscription]);
  const months = monthsOf(facts, perMonth, new Date());
  const newest = months.slice(-1);
  const [shortAudit, longAudit] = ["BenchShort", "BenchLong"].map((prefix) =>
    openAudit(connectionString, prefix),
  ) as [ReturnType<typeof openAudit>, ReturnType<typeof openAudit>];

  // While the table server is empty, as their floor is one writer in the same.
  const writers = await writeTogether(connectionString, "BenchWriters", options.writers, seed);
  say(describeWriters(writers));

  say("\nRecording both histories …\n");
  const long = await load(longAudit, estate, months, seed, say);
  const short = await load(shortAudit, estate, newest, seed, say);
  say(`${describeLoaded("short", short)}${describeLoaded("long ", long)}`);

  const questions = questionsFor(estate, months, options);
  const pages = await readPages(short, long, questions, options);
  say(describePages({ ...pages, short, long }, options.rounds));

  const stretch = newestOf(estate, long, seed, options.rows);
  const walk = await walkAlone(long, stretch);
  const csv = await downloadCsv(sample, long, stretch);
  say(describeCsv({ csv, walk }));

  const checked = await checkChains(long.audit.ledger, newest[0]?.name ?? "");
  const faults = [
    ...checked.faults,
    ...(await missingFacts(short)),
    ...(await missingFacts(long)),
    ...writers.flatMap((way) => way.faults),
    ...differenceOf("the walk", walk.facts, stretch.facts),
    ...differenceOf("the CSV", csv.rows, stretch.facts),
  ];
  say(verdict({ ...pages, short, long, csv, walk, writers, checked, faults }));
  return faults.length === 0;
}

function differenceOf(what: string, found: number, expected: number): readonly string[] {
  return found === expected ? [] : [`${what} has ${found} facts instead of ${expected}.`];
}

function say(text: string): void {
  process.stdout.write(text);
}
