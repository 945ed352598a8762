import { parseArgs } from "node:util";

export interface VerifyOptions {
  /** Months, such as `2026-11`; both are included. */
  readonly from: string;
  readonly to: string;
  readonly json: boolean;
  /** The data folder of the local system. */
  readonly dataDir: string;
}

/** Something the person at the keyboard can put right. */
export class VerifyError extends Error {
  override readonly name = "VerifyError";
}

export const HELP = `npm run verify -- [--from MONTH] [--to MONTH] [--json] [--data DIR]

Reads the whole activity of all subscriptions and tells whether it is what was written: every fact in its chain and
in all chains that have to hold it, every chain as the anchors say. It changes nothing.

  --from MONTH  the first month, such as 2026-01 (default: all there are)
  --to MONTH    the last month
  --json        the result as JSON on standard output; progress goes to standard error anyway
  --data DIR    data folder of the local system, for where no storage is named (default .local)
  --help        this text

The storage is that of the app's own settings in the environment: TABLES_URL or TABLES_CONNECTION_STRING, TABLES_PREFIX,
and ANCHOR_CONTAINER_URL or ANCHOR_CONNECTION_STRING. By URL it is read as whoever is signed in with the Azure CLI, or
with the machine's managed identity: Storage Table Data Reader and Storage Blob Data Reader are enough.

Where a copy of a fact is missing it looks again after two minutes, as the fact may be on its way.

Ends with 0 when all is as it was written, 1 when something is not, 2 when that cannot be told.
`;

/** Answers "help" when asked for it. Throws a VerifyError about the first option that nobody knows. */
export function parseVerifyOptions(given: readonly string[]): VerifyOptions | "help" {
  const values = parse(given);
  if (values.help === true) {
    return "help";
  }
  const [from, to] = [
    monthOf("from", values.from ?? "0000-01"),
    monthOf("to", values.to ?? "9999-12"),
  ];
  if (from > to) {
    throw new VerifyError(`--from (${from}) is after --to (${to}).`);
  }
  return { from, to, json: values.json === true, dataDir: values.data ?? ".local" };
}

function parse(given: readonly string[]) {
  try {
    return parseArgs({
      args: [...given],
      options: {
        from: { type: "string" },
        to: { type: "string" },
        json: { type: "boolean" },
        data: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
      strict: true,
    }).values;
  } catch (error) {
    // The first sentence names the culprit, the others are about positional arguments, which there are none of.
    const [sentence] = (error as Error).message.split(". ");
    throw new VerifyError(`${sentence}. Run "npm run verify -- --help" for what there is.`);
  }
}

/** A day is taken for its month. */
function monthOf(option: string, text: string): string {
  if (/^\d{4}-(0[1-9]|1[0-2])(-\d\d)?$/.test(text)) {
    return text.slice(0, 7);
  }
  throw new VerifyError(`--${option} is a month such as 2026-01; it is "${text}".`);
}
