import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startCloud } from "./cloud.ts";
import { nameOf } from "./data-plane/machine-port.ts";
import { loadEstate } from "./load-estate.ts";

/*
 * The pretend cloud as a process of its own: node main.ts --port N --estate FILE --data DIR --cert FILE --key FILE.
 * Prints one JSON line when ready or when it cannot start; ends on SIGTERM and when the parent goes away.
 * Secrets come in the environment, where no process list shows them: IDENTITY_HEADER and CLIENT_SECRET, both optional.
 */

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    estate: { type: "string", default: join(import.meta.dirname, "estates", "sample.json") },
    data: { type: "string" },
    cert: { type: "string" },
    key: { type: "string" },
  },
});

try {
  const cloud = await startCloud({
    estate: await loadEstate(values.estate),
    port: portOf(values.port),
    tls: { key: await pem(values.key, "--key"), cert: await pem(values.cert, "--cert") },
    identityHeader: process.env["IDENTITY_HEADER"],
    clientSecret: process.env["CLIENT_SECRET"],
    ...(values.data === undefined
      ? {}
      : {
          stateFile: join(values.data, "cloud-state.json"),
          keyFile: join(values.data, "cloud-key.pem"),
        }),
  });
  const end = async () => {
    await cloud.stop();
    process.exit(0);
  };
  process.once("SIGTERM", end).once("SIGINT", end).once("disconnect", end);
  console.log(JSON.stringify({ ready: true, url: cloud.url }));
  for (const machinePort of cloud.machinePorts().filter(({ isSubstitute }) => isSubstitute)) {
    const { askedFor, address } = machinePort;
    console.log(`${askedFor} cannot be had: ${nameOf(machinePort)} answers on ${address} instead.`);
  }
} catch (error) {
  console.log(JSON.stringify({ ready: false, error: (error as Error).message }));
  process.exitCode = 1;
  process.disconnect?.();
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Error(`--port must be 0 to 65535; it is '${text}'.`);
}

async function pem(file: string | undefined, option: string): Promise<Buffer> {
  if (file === undefined) throw new Error(`${option} is needed: a PEM file.`);
  return await readFile(file);
}
