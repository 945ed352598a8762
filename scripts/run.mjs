/**
 * Sets the project up (packages, bundle) and then runs a file under the project's own Node 22, whatever Node >= 20 is
 * installed. Plain JavaScript without dependencies, because it runs before anything is there.
 *
 *   node scripts/run.mjs [--build] FILE [argument …]
 *   node scripts/run.mjs [--build] --jest [argument …]
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseCommand } from "./run/command.mjs";
import { whatHappenedToNpm } from "./run/npm-watch.mjs";
import { installPackages, pinnedNode } from "./run/packages.mjs";
import { runQuietly, runToTheEnd } from "./run/process.mjs";
import { SetUpError } from "./run/set-up-error.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

try {
  const lookAtNpm = whatHappenedToNpm();
  const command = parseCommand(process.argv.slice(2));
  await installPackages(root);
  const node = pinnedNode(root);
  if (command.build) await runQuietly(node, ["scripts/build.ts"], root);
  process.exitCode = await runToTheEnd(node, command.nodeArguments, root, lookAtNpm);
} catch (error) {
  if (!(error instanceof SetUpError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
