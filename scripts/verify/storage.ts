import { createHash } from "node:crypto";
import { setTimeout as pauseFor } from "node:timers/promises";
import { AzureCliCredential, ChainedTokenCredential } from "@azure/identity";
import { readEndpoints, tablesConnectionString } from "../../local/endpoints.ts";
import { createServiceCredential } from "../../src/azure/identity.ts";
import { createAnchorContainer } from "../../src/blobs/anchor-container.ts";
import { readStorageConfig } from "../../src/config.ts";
import { createActivityStore } from "../../src/tables/activity.ts";
import { createAnchorStore } from "../../src/tables/anchors.ts";
import { createTables } from "../../src/tables/client.ts";
import { createLedger } from "../../src/tables/ledger.ts";
import type { VerifyPorts } from "../../src/workflow/verify-activity.ts";
import { VerifyError } from "./options.ts";

/**
 * A fact may be on its way into its chains while they are read. This program may only read: it waits until the app's sweep, which
 * comes every minute, has finished what was begun, in milliseconds.
 */
const sweptAfterMs = 130_000;

const pause = async (milliseconds: number): Promise<void> => {
  await pauseFor(milliseconds);
};

/** The storage that the environment names, else that of the local system, and what to call it. */
export async function openStorage(
  environment: Readonly<Record<string, string | undefined>>,
  dataDir: string,
  say: (text: string) => void,
): Promise<{ readonly ports: VerifyPorts; readonly name: string }> {
  const isNamed = environment["TABLES_URL"] || environment["TABLES_CONNECTION_STRING"];
  const config = readStorageConfig(isNamed ? environment : await local(environment, dataDir));
  const credential = new ChainedTokenCredential(
    new AzureCliCredential(),
    createServiceCredential(config.identityClientId),
  );
  const { tables: account, tablesPrefix: prefix, anchorContainer } = config;
  const tables = createTables("url" in account ? { ...account, credential } : account, {
    prefix,
    isReadOnly: true,
  });
  return {
    name: "url" in account ? account.url : isNamed ? "the storage account" : dataDir,
    ports: {
      clock: { now: () => new Date() },
      ids: { digest: (text) => createHash("sha256").update(text).digest("hex") },
      activity: createActivityStore(tables, pause),
      ledger: {
        ...createLedger(tables, pause),
        async complete() {
          say(
            `Copies differ; looking again in ${sweptAfterMs / 1_000} s, as facts may be on their way …`,
          );
          await pause(sweptAfterMs);
          return [];
        },
      },
      anchors: createAnchorStore(tables),
      anchorContainer:
        anchorContainer &&
        createAnchorContainer(
          "url" in anchorContainer ? { ...anchorContainer, credential } : anchorContainer,
          prefix,
        ),
    },
  };
}

/** The settings that lead to the tables of the local system that runs in that folder. */
async function local(environment: Readonly<Record<string, string | undefined>>, dataDir: string) {
  try {
    const { tables } = await readEndpoints(dataDir);
    const connectionString = tablesConnectionString(Number(new URL(tables).port));
    return { ...environment, TABLES_CONNECTION_STRING: connectionString };
  } catch (cause) {
    throw new VerifyError(
      `No storage is named (TABLES_URL or TABLES_CONNECTION_STRING), and nothing runs in ${dataDir}.`,
      { cause },
    );
  }
}
