import { randomBytes } from "node:crypto";
import { setTimeout as pauseFor } from "node:timers/promises";
import { createTables, type Tables, type TablesOptions } from "../../src/tables/client.ts";
import type { Azurite } from "./azurite.ts";

/** Tables of a test's own in a running Azurite. */
export function freshTables(azurite: Azurite, options: TablesOptions = {}): Tables {
  return createTables(azurite, { prefix: `T${randomBytes(8).toString("hex")}`, ...options });
}

/** Waits for real: another process is what is waited for. */
export const pause = async (milliseconds: number): Promise<void> => {
  await pauseFor(milliseconds);
};
