/** `npm run bench -- NAME`: measures a ratio against a floor, both in one run on this machine. Asserts nothing. */
import { benchOpen } from "./open.ts";

const benchmarks: Readonly<Record<string, { readonly about: string; run(): Promise<void> }>> = {
  open: {
    about:
      "from initiate until the rule is proven open, against the fewest calls to Azure done straight with the SDK",
    run: benchOpen,
  },
};

const [name = ""] = process.argv.slice(2);
const benchmark = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined;
if (benchmark === undefined) {
  const lines = Object.entries(benchmarks).map(
    ([each, { about }]) => `  ${each.padEnd(8)} ${about}`,
  );
  process.stdout.write(`npm run bench -- NAME\n\n${lines.join("\n")}\n`);
  process.exitCode = name === "" || name === "--help" ? 0 : 2;
} else {
  await benchmark.run();
}
