/** `npm run verify`: whether the stored activity is what was written. Reads only; see `--help`. */
import { HELP, parseVerifyOptions, VerifyError } from "./verify/options.ts";
import { resultText, runVerify } from "./verify/run.ts";
import { openStorage } from "./verify/storage.ts";

const couldNotTell = 2;
const progress = (text: string): void => void process.stderr.write(`${text}\n`);

try {
  const options = parseVerifyOptions(process.argv.slice(2));
  if (options === "help") {
    process.stdout.write(HELP);
  } else {
    const { ports, name } = await openStorage(process.env, options.dataDir, progress);
    progress(`Verifying the activity in ${name} …`);
    const result = await runVerify(ports, options, progress);
    process.stdout.write(
      options.json ? `${JSON.stringify(result, undefined, 2)}\n` : resultText(result),
    );
    process.exitCode = result.verified ? 0 : 1;
  }
} catch (error) {
  const isExpected = error instanceof VerifyError || (error as Error).name === "ConfigError";
  progress(isExpected ? (error as Error).message : String((error as Error).stack ?? error));
  process.exitCode = couldNotTell;
}
