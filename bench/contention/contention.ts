import { join } from "node:path";
import type { Estate } from "../../local/cloud/estate.ts";
import { loadEstate } from "../../local/cloud/load-estate.ts";
import type { Manner } from "./common-way.ts";
import { type Circumstances, crowdOf } from "./crowd.ts";
import { type Found, measureCommonWay, measureService } from "./measure.ts";
import { help, type Options, type ParallelWrites, parseOptions } from "./options.ts";
import { comparison, course, machineFacts, type Row, table, verdict } from "./report.ts";

/** Many requests at once behind one group, by the service and the common way. Answers whether every aim was met. */
export async function benchContention(given: readonly string[]): Promise<boolean> {
  const options = parseOptions(given);
  if (options === "help") {
    say(help);
    return true;
  }
  const sample = await loadEstate(
    join(import.meta.dirname, "../../local/cloud/estates/sample.json"),
  );
  say(
    `${options.requests} people ask at once, each for SSH on another VM, all behind one network security group; a write takes ${options.writeMs / 1_000} s.\n`,
  );
  say(
    "Request limits are ten times Azure's, the pretend cloud's default, so that they slow nobody.\n",
  );
  say(`${machineFacts()}\n`);
  let isMet = true;
  for (const parallelWrites of options.parallelWrites) {
    isMet = (await compare(sample, options, parallelWrites)) && isMet;
  }
  if (options.grownTo > 0) {
    await grow(sample, options);
  }
  say(isMet ? "\nEvery aim was met.\n" : "\nAn aim was missed.\n");
  return isMet;
}

async function compare(
  sample: Estate,
  options: Options,
  parallelWrites: ParallelWrites,
): Promise<boolean> {
  const { requests, writeMs, limitMs } = options;
  const circumstances: Circumstances = { accesses: crowdOf(requests), writeMs, parallelWrites };
  say(`\nA write that comes while another runs: ${meanings[parallelWrites]}\n`);
  say("  measuring the service …\n");
  const service = await measureService(sample, circumstances, "tables");
  const others: Row[] = [];
  for (const manner of options.isCommonWayWanted ? mannersFor(parallelWrites) : []) {
    say(`  measuring each alone, ${manner} (${limitMs / 1_000} s at most) …\n`);
    const found = await measureCommonWay(sample, circumstances, manner, limitMs);
    others.push({ way: `each alone, ${manner}`, found });
  }
  const { text, isMet } = verdict(service, writeMs);
  say(table([{ way: "the service", found: service }, ...others]));
  say(course(service));
  say(others.map((row) => comparison(service, row)).join(""));
  say(text);
  return isMet;
}

const meanings: Readonly<Record<ParallelWrites, string>> = {
  supersede:
    '"supersede": it cancels the other one and, here always, carries along what that had asked for; of Azure that is not known.',
  "retry later": '"retry later": it is refused with 429.',
  conflict: '"conflict": it is refused with 409.',
};

/** Where nothing is ever cancelled, both manners are the same. */
function mannersFor(parallelWrites: ParallelWrites): readonly Manner[] {
  return parallelWrites === "supersede" ? ["writes again", "looks first"] : ["writes again"];
}

/** More of it, the service alone; without an aim, to show what grows. */
async function grow(sample: Estate, { grownTo, writeMs }: Options): Promise<void> {
  // The service never writes in parallel: whatever Azure does with that makes no difference.
  const parallelWrites = "supersede";
  const circumstances: Circumstances = { accesses: crowdOf(grownTo), writeMs, parallelWrites };
  say(`\n${grownTo} at once, durable history in memory:\n`);
  const found: Found = await measureService(sample, circumstances, "memory");
  say(table([{ way: "the service", found }]));
  say(course(found));
}

function say(text: string): void {
  process.stdout.write(text);
}
