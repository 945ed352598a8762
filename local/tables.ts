/**
 * Azurite's tables in a process of their own: `node local/tables.ts --port N --dir DIR`. Prints `{"ready":true}` when it
 * listens, and ends with its parent.
 */
import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { createTableServer } from "./tables/azurite.ts";
import { keepEveryWrite } from "./tables/durable-store.ts";

const { values } = parseArgs({
  options: { port: { type: "string" }, dir: { type: "string" } },
  strict: true,
});
if (values.port === undefined || values.dir === undefined) throw new Error("--port N --dir DIR");

// Nothing to save on the way out: what was acknowledged is on disk.
process.on("disconnect", () => process.exit(0));
process.on("SIGTERM", () => process.exit(0));

// Azurite's own way to other accounts than the well-known one.
delete process.env["AZURITE_ACCOUNTS"];
mkdirSync(values.dir, { recursive: true });
const server = createTableServer(Number(values.port), values.dir);
keepEveryWrite(server.metadataStore, values.dir);
await server.start();
process.stdout.write('{"ready":true}\n');
