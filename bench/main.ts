/**
 * `npm run bench -- NAME [option …]`: measures what the service does against doing it straight with the SDK, both in one run
 * on this machine. Ends with exit code 1 where a benchmark has aims and one was missed; of `activity` only where facts or chains are wrong.
 */
import { benchActivity } from "./activity/activity.ts";
import { benchAuthorize } from "./authorize/authorize.ts";
import { benchContention } from "./contention/contention.ts";
import { benchFirewall } from "./firewall/firewall.ts";
import { benchOpen } from "./open.ts";
import { OptionsError } from "./options.ts";
import { benchSweep } from "./sweep/sweep.ts";

interface Benchmark {
  readonly about: string;
  /** Whether nothing is amiss: exit code 0. */
  run(options: readonly string[]): Promise<boolean>;
}

const benchmarks: Readonly<Record<string, Benchmark>> = {
  open: {
    about:
      "from initiate until the rule is proven open, against the fewest calls to Azure done straight with the SDK",
    run: () => benchOpen().then(() => true),
  },
  contention: {
    about:
      "many requests at once behind one network security group, against everybody writing with the SDK (--help)",
    run: benchContention,
  },
  firewall: {
    about:
      "many requests at once behind one Azure Firewall, against an update of it for each (--help)",
    run: benchFirewall,
  },
  sweep: {
    about:
      "looking through thousands of VMs and their gates when nothing is wrong, against reading each by itself (--help)",
    run: benchSweep,
  },
  authorize: {
    about:
      "an authorised read with rights known and unknown, against the same read without authorisation (--help)",
    run: benchAuthorize,
  },
  activity: {
    about:
      "pages, CSV and writing of the audit at 30 times the history, against a month of it (--help)",
    run: benchActivity,
  },
};

const [name = "", ...options] = process.argv.slice(2);
const benchmark = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined;
if (benchmark === undefined) {
  const lines = Object.entries(benchmarks).map(
    ([each, { about }]) => `  ${each.padEnd(12)} ${about}`,
  );
  process.stdout.write(`npm run bench -- NAME\n\n${lines.join("\n")}\n`);
  process.exitCode = name === "" || name === "--help" ? 0 : 2;
} else {
  try {
    process.exitCode = (await benchmark.run(options)) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    process.stderr.write(
      `${error.message} "npm run bench -- ${name} --help" tells what there is.\n`,
    );
    process.exitCode = 2;
  }
}
