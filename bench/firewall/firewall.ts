import { join } from "node:path";
import { loadEstate } from "../../local/cloud/load-estate.ts";
import { machineFacts } from "../contention/report.ts";
import { measureCommonWay } from "./common-way.ts";
import { crowdBehind } from "./estate.ts";
import { measureService } from "./measure.ts";
import { help, parseOptions } from "./options.ts";
import { comparison, described, verdict } from "./report.ts";

/** Many requests at once behind one firewall, by the service and one update each. Answers whether every aim was met. */
export async function benchFirewall(given: readonly string[]): Promise<boolean> {
  const options = parseOptions(given);
  if (options === "help") {
    say(help);
    return true;
  }
  const { kind, requests, updateMs, commonWay } = options;
  const sample = await loadEstate(
    join(import.meta.dirname, "../../local/cloud/estates/sample.json"),
  );
  const behind = kind === "classic" ? "one classic firewall" : "one firewall with a policy";
  say(
    `${requests} people ask at once, each for SSH on another VM, all behind ${behind}, of which an update takes ${updateMs / 1_000} s.\n`,
  );
  say("Times count from the asking, in update times and in seconds.\n");
  say(`${machineFacts()}\n\n  measuring the service …\n`);
  const accesses = crowdBehind(kind, requests);
  const service = await measureService(sample, { kind, accesses, updateMs });
  say(described(service, updateMs));
  if (commonWay > 0) {
    say(`\n  measuring one update each, ${commonWay} of ${requests} …\n`);
    const few = accesses.slice(0, commonWay);
    const found = await measureCommonWay(sample, { kind, accesses: few, updateMs });
    say(comparison(service, found, updateMs));
  }
  const { text, isMet } = verdict(service, updateMs);
  say(`\n${text}${isMet ? "\nEvery aim was met.\n" : "\nAn aim was missed.\n"}`);
  return isMet;
}

function say(text: string): void {
  process.stdout.write(text);
}
