import { settingsSchema } from "./config.ts";

/** The page docs/settings.md: one row for each setting, from the schema itself. */
export function settingsPage(): string {
  const rows = Object.entries(settingsSchema.shape).map(([name, schema]) => {
    const fallback = schema.safeParse(undefined);
    const text = fallback.success ? String(fallback.data ?? "") : "";
    const value = text === "" ? "" : `\`${text}\``;
    return `| \`${name}\` | ${value} | ${schema.description ?? ""} |`;
  });
  return [
    "# Settings",
    "",
    "Application settings of the Functions app (environment variables). Locally `npm start` sets them all; for `func start` copy",
    "`local.settings.example.json` to `local.settings.json`. A setting that cannot be understood keeps the app from answering; one",
    "message in the log names every setting at fault.",
    "",
    "| Setting | Default | Meaning |",
    "|---|---|---|",
    ...rows,
    "",
    "Exactly one of `TABLES_URL` and `TABLES_CONNECTION_STRING` is needed, and `ENTRA_TENANT_IDS`, `ENTRA_AUDIENCES` and",
    "`DEPLOYMENT_NAME`. The Functions platform has settings of its own (`AzureWebJobsStorage`, `FUNCTIONS_WORKER_RUNTIME`, …).",
    "",
    "This page is written by `npm run docs`; a test compares it with the schema.",
    "",
  ].join("\n");
}
