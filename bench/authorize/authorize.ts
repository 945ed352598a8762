import { join } from "node:path";
import { loadEstate } from "../../local/cloud/load-estate.ts";
import { getJson } from "../../local/sign-in.ts";
import { missingRights } from "../../src/caller/permissions.ts";
import { toRequest } from "../../src/caller/requirements.ts";
import { startAzurite } from "../../test/support/azurite.ts";
import { machineFacts } from "../contention/report.ts";
import { type BenchCloud, withCloud } from "../sweep/cloud.ts";
import { storageIn } from "../sweep/service.ts";
import { type Reader, readers, withReaders } from "./estate.ts";
import { help, type Options, parseOptions } from "./options.ts";
import { type Decision, describe, type Found, verdict } from "./report.ts";
import { createService, type Read, type Service } from "./service.ts";

/** Reads before anything is measured: connections stand and code is compiled. */
const warmUps = 30;

/** What authorisation adds to a read. Answers whether every aim was met. */
export async function benchAuthorize(given: readonly string[]): Promise<boolean> {
  const options = parseOptions(given);
  if (options === "help") {
    say(help);
    return true;
  }
  say(`${machineFacts()}\nThe pretend cloud answers at once; Azure takes longer.\n\n`);
  const sample = await loadEstate(
    join(import.meta.dirname, "../../local/cloud/estates/sample.json"),
  );
  const estate = withReaders(sample);
  const azurite = await startAzurite();
  try {
    const found = await withCloud(estate, async (cloud) => {
      const service = await createService(cloud, estate, storageIn(azurite), options.vms);
      return measure(cloud, service, estate.subscriptionId, options);
    });
    const { text, isMet } = verdict(found);
    say(`${describe(found)}${text}${isMet ? "\nEvery aim was met.\n" : "\nAn aim was missed.\n"}`);
    return isMet;
  } finally {
    await azurite.stop();
  }
}

async function measure(
  cloud: BenchCloud,
  service: Service,
  subscriptionId: string,
  options: Options,
): Promise<Found> {
  const { access_token: token } = await getJson<{ access_token: string }>(
    `${cloud.url}/local/tokens/${readers[0]}`,
    { ca: cloud.ca },
  );
  const { readFreely, read, forgetRights, keyFetches } = service;
  for (let round = 0; round < warmUps; round += 1) {
    await readFreely(token);
    await read(token);
    forgetRights();
  }
  const times: { readonly floor: number[]; readonly warm: number[]; readonly cold: number[] } = {
    floor: [],
    warm: [],
    cold: [],
  };
  for (let round = 0; round < options.rounds; round += 1) {
    times.floor.push(await timed(readFreely, token));
    forgetRights();
    times.cold.push(await timed(read, token));
    times.warm.push(await timed(read, token));
  }
  const decisions: Decision[] = [];
  for (const reader of readers) {
    forgetRights();
    for (const state of ["cold", "warm"] as const) {
      decisions.push(await decide(cloud, service, subscriptionId, { reader, state }));
    }
  }
  await read(token);
  const readCalls = await cloud.requestsDuring(() => read(token));
  return { ...options, times, decisions, readCalls: readCalls.length, keyFetches: keyFetches() };
}

async function timed(read: Read, token: string): Promise<number> {
  const startedAt = performance.now();
  await read(token);
  return performance.now() - startedAt;
}

/** May the reader ask for access to every VM of the policy? */
async function decide(
  cloud: BenchCloud,
  { rights, callers, policyId, vmIds }: Service,
  subscriptionId: string,
  of: { readonly reader: Reader; readonly state: "cold" | "warm" },
): Promise<Decision> {
  const caller = callers[of.reader];
  const requests = await cloud.requestsDuring(async () => {
    const held = await rights.of(caller, subscriptionId);
    const missing = missingRights(held, toRequest(policyId, vmIds), caller.name);
    if (missing.length > 0) {
      throw new Error(`${of.reader} may not ask: ${missing[0]?.message}`);
    }
  });
  const calls = requests.map(({ path }) => path.split("?")[0]?.split("/").at(-1) ?? "");
  return { ...of, calls };
}

function say(text: string): void {
  process.stdout.write(text);
}
