import { glob, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import type { HostLog } from "./app.ts";
import { AuthLevelWatch } from "./explicit-auth-level.ts";
import { FunctionsCore, installCore } from "./functions-core.ts";
import { type InputSource, LoadedApp } from "./invocation.ts";

const packageJson = z.looseObject({ main: z.string().min(1) });

export interface Loaded {
  readonly app: LoadedApp;
  /** HTTP functions registered without an `authLevel` of their own. */
  readonly withoutAuthLevel: ReadonlySet<string>;
  /** Runs the app's `appTerminate` hooks. */
  terminate(): Promise<void>;
}

/**
 * Loads the files `main` of package.json names (a glob is allowed) the way the Node.js worker does: entry files,
 * appStart hooks, capabilities, lock. Unlike the worker it lets an error of an entry file through and takes "no
 * functions" for a failure.
 */
export async function loadApp(appDir: string, log: HostLog, inputs: InputSource): Promise<Loaded> {
  const watch = new AuthLevelWatch();
  const core = new FunctionsCore(log, (metadata) => watch.note(metadata));
  installCore(core);

  const files = await entryFiles(appDir);
  await watch.during(async () => {
    for (const file of files) await loadFile(file);
  });
  const hookData = {};
  await core.runHooks("appStart", { hookData, appHookData: core.appHookData });
  await refuseStreaming(core);
  core.lock();
  if (core.registrations.size === 0) {
    throw new Error(`No functions: ${files.join(", ")} registered none.`);
  }

  return {
    app: new LoadedApp(core, inputs),
    withoutAuthLevel: watch.missing,
    terminate: () => core.runHooks("appTerminate", { hookData, appHookData: core.appHookData }),
  };
}

async function entryFiles(appDir: string): Promise<string[]> {
  const text = await readFile(join(appDir, "package.json"), "utf8");
  const { main } = packageJson.parse(JSON.parse(text));
  const files: string[] = [];
  for await (const file of glob(main, { cwd: appDir })) files.push(join(appDir, file));
  if (files.length === 0) {
    throw new Error(`"main" of ${appDir}/package.json is "${main}", but no such file exists.`);
  }
  return files.sort();
}

async function loadFile(file: string): Promise<void> {
  if (file.endsWith(".cjs")) createRequire(file)(file);
  else await import(pathToFileURL(file).href);
}

async function refuseStreaming(core: FunctionsCore): Promise<void> {
  const { HttpUri: streamServer } = (await core.model?.getCapabilities({})) ?? {};
  if (streamServer !== undefined) {
    throw new Error("app.setup({ enableHttpStream: true }) is not supported by the local host.");
  }
}
