import { SetUpError } from "./set-up-error.mjs";

const USAGE = "usage: node scripts/run.mjs [--build] (FILE | --jest) [argument …]";

/** Jest loads ES modules only with this flag; Node's remark that it is experimental says nothing new. */
const JEST = [
  "--experimental-vm-modules",
  "--disable-warning=ExperimentalWarning",
  "node_modules/jest/bin/jest.js",
];

/**
 * What to run: our own flags come first, and everything after the file (or `--jest`) is passed on as it stands.
 *
 * @param {readonly string[]} given
 * @returns {{ build: boolean, nodeArguments: string[] }}
 */
export function parseCommand(given) {
  const build = given[0] === "--build";
  const [what, ...rest] = build ? given.slice(1) : given;
  if (what === "--jest") return { build, nodeArguments: [...JEST, ...rest] };
  if (what === undefined) throw new SetUpError(USAGE);
  if (what.startsWith("-")) throw new SetUpError(`There is no option ${what}.\n${USAGE}`);
  return { build, nodeArguments: [what, ...rest] };
}
