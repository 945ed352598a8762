import { join } from "node:path";
import type { Estate } from "../../local/cloud/estate.ts";
import { loadEstate } from "../../local/cloud/load-estate.ts";
import { startAzurite } from "../../test/support/azurite.ts";
import { machineFacts } from "../contention/report.ts";
import { withCloud } from "./cloud.ts";
import { type BigEstate, bigEstate } from "./estate.ts";
import { keptBytes, readOneByOne, type Sweep, sweepAfterDrift, sweepOnce } from "./measure.ts";
import { help, type Options, parseOptions, type Size } from "./options.ts";
import { protectAll } from "./prepare.ts";
import { describe, type Found, growth, title, verdict } from "./report.ts";
import { createService, type Storage, storageIn } from "./service.ts";

/** Below the service's pause between polls of an operation, so that a write takes one poll or two. */
const nsgWriteMs = 200;
const pollMs = 250;

/** The sweep over a large estate where nothing is wrong. Answers whether every aim was met. */
export async function benchSweep(given: readonly string[]): Promise<boolean> {
  const options = parseOptions(given);
  if (options === "help") {
    say(help);
    return true;
  }
  say(`${machineFacts()}\nThe pretend cloud answers at once and has no request limits.\n`);
  const sample = await loadEstate(
    join(import.meta.dirname, "../../local/cloud/estates/sample.json"),
  );
  const fifth = options.fifth && (await measureSize(sample, options.fifth, options));
  const whole = await measureSize(sample, options.whole, options);
  fifth?.forEach((small, index) => {
    const large = whole[index];
    if (large !== undefined) {
      say(growth(small, large));
    }
  });
  const isMet = [...(fifth ?? []), ...whole].every((found) => verdict(found).isMet);
  say(isMet ? "\nEvery aim was met.\n" : "\nAn aim was missed.\n");
  return isMet;
}

/** One estate, at every page size. */
async function measureSize(
  sample: Estate,
  size: Size,
  options: Options,
): Promise<readonly Found[]> {
  const big = bigEstate(sample, size, 1);
  const azurite = await startAzurite();
  try {
    const storage = storageIn(azurite);
    say(`\n${title({ big })}: protecting all of them, ${options.vmsPerPolicy} with one policy …\n`);
    const startedAt = performance.now();
    const settled = await protectAll(big, options.vmsPerPolicy, storage);
    say(`  done after ${((performance.now() - startedAt) / 1_000).toFixed(0)} s\n`);
    const all: Found[] = [];
    for (const pageSize of options.pageSizes) {
      const found = await measure({ ...big, estate: settled }, storage, pageSize, options);
      say(`\n${title(found)}, pages of ${pageSize}:\n${describe(found)}${verdict(found).text}`);
      all.push(found);
    }
    return all;
  } finally {
    await azurite.stop();
  }
}

/** In a cloud of its own, in which nothing has been asked for before. */
function measure(
  big: BigEstate,
  storage: Storage,
  pageSize: number,
  { rounds, sample }: Options,
): Promise<Found> {
  const { estate, gateIds } = big;
  const measured: Estate = {
    ...estate,
    timing: { ...estate.timing, nsgWriteMs },
    behaviour: { ...estate.behaviour, pageSize },
  };
  return withCloud(measured, async (cloud) => {
    const service = createService(cloud.arm, storage, pollMs);
    // Connects to storage, which makes tables that are not there; the sweeps shall write nothing.
    await Promise.all([service.ports.policies.unsettled(), cloud.arm.credential.getToken("")]);
    const sweeps: Sweep[] = [];
    let keptAfterFirst = 0;
    for (let round = 1; round <= rounds; round += 1) {
      sweeps.push(await sweepOnce(cloud, service));
      if (round === 1) {
        keptAfterFirst = keptBytes();
      }
    }
    const kept = keptBytes() - keptAfterFirst;
    const gateId = gateIds[Math.floor(gateIds.length / 2)] ?? "";
    const repair = await sweepAfterDrift(cloud, service, gateId);
    const last = await sweepOnce(cloud, service);
    const oneByOne = await readOneByOne(cloud, service, big, sample);
    return { big, pageSize, sweeps, keptBytes: kept, repair, last, oneByOne };
  });
}

function say(text: string): void {
  process.stdout.write(text);
}
