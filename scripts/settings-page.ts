/** `npm run docs`: writes docs/settings.md from the settings schema, so that the page cannot tell another story. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { settingsPage } from "../src/settings-page.ts";

await writeFile(join(import.meta.dirname, "../docs/settings.md"), settingsPage());
