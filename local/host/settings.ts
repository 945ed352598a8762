import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { codeOf } from "./errors.ts";

const hostJson = z.looseObject({
  version: z.literal("2.0"),
  extensions: z
    .looseObject({
      http: z.looseObject({ routePrefix: z.string().default("api") }).prefault({}),
      durableTask: z.looseObject({ hubName: z.string().optional() }).prefault({}),
    })
    .prefault({}),
});

/** The parts of host.json that the local host heeds. */
export type HostJson = z.infer<typeof hostJson>;

const localSettings = z.looseObject({
  IsEncrypted: z.literal(false, { error: "the local host cannot decrypt settings" }).optional(),
  Values: z.record(z.string(), z.string()).default({}),
});

/** Without a host.json the platform's defaults hold: route prefix `api`. */
export async function readHostJson(appDir: string): Promise<HostJson> {
  return (
    (await readJson(join(appDir, "host.json"), hostJson)) ?? hostJson.parse({ version: "2.0" })
  );
}

/** The `Values` of local.settings.json, or none when there is no such file. */
export async function readLocalSettings(appDir: string): Promise<Record<string, string>> {
  return (await readJson(join(appDir, "local.settings.json"), localSettings))?.Values ?? {};
}

async function readJson<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  const result = schema.safeParse(parse(file, text));
  if (!result.success) throw new Error(`${file}: ${z.prettifyError(result.error)}`);
  return result.data;
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${file} is not JSON.`, { cause });
  }
}
