import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** `DIR/endpoints.json`: where everything that `npm start` started is found. It exists only while all of it answers. */
export interface Endpoints {
  readonly api: string;
  readonly apiHttps: string;
  readonly cloud: string;
  readonly tables: string;
  /** The audience of access tokens for the API. */
  readonly audience: string;
  readonly tenantId: string;
  readonly subscriptionId: string;
  /** The authority that signed the certificates of `apiHttps` and `cloud`. */
  readonly caFile: string;
  readonly people: readonly string[];
  readonly pids: Readonly<Record<string, number>>;
}

/** Of the API (http, https), the cloud (https) and Azurite's tables (http): four in a row. */
export interface Ports {
  readonly api: number;
  readonly apiHttps: number;
  readonly cloud: number;
  readonly tables: number;
}

export function portsFrom(base: number): Ports {
  return { api: base, apiHttps: base + 1, cloud: base + 2, tables: base + 3 };
}

/** Azurite's one account; name and key are the same everywhere (Microsoft Learn, "Use the Azurite emulator"). */
export function tablesUrl(port: number): string {
  return `http://127.0.0.1:${port}/devstoreaccount1`;
}

export function tablesConnectionString(port: number): string {
  return [
    "DefaultEndpointsProtocol=http",
    "AccountName=devstoreaccount1",
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    `TableEndpoint=${tablesUrl(port)}`,
  ].join(";");
}

/** Rejects with a sentence on what to do when nothing runs in `dir`. */
export async function readEndpoints(dir: string): Promise<Endpoints> {
  try {
    return JSON.parse(await readFile(fileIn(dir), "utf8")) as Endpoints;
  } catch (cause) {
    throw new Error(`Nothing runs in ${dir}: start it with "npm start" first.`, { cause });
  }
}

/** Whole or not at all: a script that waits for the file never reads half of it. */
export async function writeEndpoints(dir: string, endpoints: Endpoints): Promise<void> {
  const made = `${fileIn(dir)}.new`;
  await writeFile(made, `${JSON.stringify(endpoints, undefined, 2)}\n`);
  await rename(made, fileIn(dir));
}

export async function removeEndpoints(dir: string): Promise<void> {
  await rm(fileIn(dir), { force: true });
}

function fileIn(dir: string): string {
  return join(dir, "endpoints.json");
}
