import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

export interface StartArguments {
  readonly basePort: number;
  readonly dataDir: string;
  readonly estateFile: string;
  /** Where histories of orchestrations are kept; undefined leaves it to the host, which takes tables. */
  readonly history: "tables" | "memory" | undefined;
}

/** Something the person at the keyboard can put right; shown as it is, without a stack trace. */
export class StartError extends Error {
  override readonly name = "StartError";
}

const DEFAULT_BASE_PORT = 7071;
/** Lower ports need rights that a development tool should not have; the base is followed by three more. */
const LOWEST_PORT = 1024;
const HIGHEST_BASE_PORT = 65_535 - 3;
const MORE = `Run "npm start -- --help" for what there is.`;

export const HELP = `npm start -- [--base-port N] [--data DIR] [--estate FILE] [--history WHERE]

Runs JIT Access on this machine against a pretend Azure: no account, nothing global.

  --base-port N   API on http N and https N+1, cloud on https N+2, tables on N+3 (default ${DEFAULT_BASE_PORT})
  --data DIR      what is kept between starts; delete it to begin anew (default .local)
  --estate FILE   what the pretend Azure holds (default local/cloud/estates/sample.json)
  --history WHERE "tables" keeps orchestrations between starts (default), "memory" is quicker and forgets them
  --help          this text
`;

/** Answers "help" when asked for it. Throws StartError on anything it does not know. */
export function parseStartArguments(
  given: readonly string[],
  root: string,
): StartArguments | "help" {
  const values = parse(given);
  if (values.help === true) return "help";
  return {
    basePort: basePortOf(values["base-port"] ?? String(DEFAULT_BASE_PORT)),
    dataDir: values.data === undefined ? join(root, ".local") : resolve(named("data", values.data)),
    estateFile:
      values.estate === undefined
        ? join(root, "local", "cloud", "estates", "sample.json")
        : resolve(named("estate", values.estate)),
    history: historyOf(values.history),
  };
}

function parse(given: readonly string[]) {
  try {
    return parseArgs({
      args: [...given],
      options: {
        "base-port": { type: "string" },
        data: { type: "string" },
        estate: { type: "string" },
        history: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
      strict: true,
    }).values;
  } catch (error) {
    // The first sentence names the culprit, the others are about positional arguments, which we do not have.
    const [sentence] = (error as Error).message.split(". ");
    throw new StartError(`${sentence}. ${MORE}`);
  }
}

function basePortOf(text: string): number {
  const port = Number(text);
  const isPort = /^\d+$/.test(text) && port >= LOWEST_PORT && port <= HIGHEST_BASE_PORT;
  if (isPort) return port;
  throw new StartError(
    `--base-port must be a whole number from ${LOWEST_PORT} to ${HIGHEST_BASE_PORT}; it is "${text}". ${MORE}`,
  );
}

function historyOf(text: string | undefined): StartArguments["history"] {
  if (text === undefined || text === "tables" || text === "memory") return text;
  throw new StartError(`--history is "tables" or "memory"; it is "${text}". ${MORE}`);
}

function named(option: string, value: string): string {
  if (value !== "") return value;
  throw new StartError(`--${option} is empty. ${MORE}`);
}
