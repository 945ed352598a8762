import { readdir, readFile } from "node:fs/promises";
import { describe, expect, it } from "@jest/globals";
import type { Estate } from "../../../local/cloud/estate.ts";
import { portsFrom } from "../../../local/endpoints.ts";
import { appSettings } from "../../../local/start/app-settings.ts";
import { readConfig, settingsSchema } from "../../../src/config.ts";

/** Read by the Functions host, its worker or the identity SDK; not ours. */
const PLATFORM_SETTINGS = [
  "AZURE_FUNCTIONS_ENVIRONMENT",
  "AzureWebJobsStorage",
  "FUNCTIONS_WORKER_RUNTIME",
  "IDENTITY_ENDPOINT",
  "IDENTITY_HEADER",
];

interface LocalSettings {
  readonly Values: Readonly<Record<string, string>>;
}

interface HostJson {
  readonly extensions: { readonly http: { readonly routePrefix: string } };
}

const DEPLOYED = ["dist", "host.json", "package.json"];

describe("local.settings.example.json", () => {
  it("holds settings the app accepts, and no other", async () => {
    const { Values } = await readJson<LocalSettings>("local.settings.example.json");

    expect(() => readConfig(Values)).not.toThrow();
    expect(foreign(Object.keys(Values))).toEqual([]);
  });

  it("says what npm start tells the app, but for the settings of the platform", async () => {
    const { Values } = await readJson<LocalSettings>("local.settings.example.json");
    const estate = await readJson<Estate>("local/cloud/estates/sample.json");

    const settings = appSettings(estate, portsFrom(7071), Values["IDENTITY_HEADER"] ?? "");

    const { AzureWebJobsStorage, FUNCTIONS_WORKER_RUNTIME, ...own } = Values;
    expect({ ...own, AZURE_FUNCTIONS_ENVIRONMENT: "Development" }).toEqual(settings);
    expect([AzureWebJobsStorage, FUNCTIONS_WORKER_RUNTIME]).not.toContain(undefined);
  });
});

describe("what npm start tells the app", () => {
  it("is made of settings the app knows", async () => {
    const estate = await readJson<Estate>("local/cloud/estates/sample.json");

    const settings = appSettings(estate, portsFrom(7071), "secret");

    expect(() => readConfig(settings)).not.toThrow();
    expect(foreign(Object.keys(settings))).toEqual([]);
  });
});

describe("a deployment", () => {
  it("starts from the bundle, with routes that have no prefix", async () => {
    const { main } = await readJson<{ main: string }>("package.json");
    const { extensions } = await readJson<HostJson>("host.json");

    expect(main).toBe("dist/main.cjs");
    expect(extensions.http.routePrefix).toBe("");
  });

  it("leaves everything at home but the bundle, host.json and package.json", async () => {
    const patterns = (await readFile(".funcignore", "utf8"))
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));

    const entries = await readdir(".", { withFileTypes: true });

    const deployed = entries
      .filter((entry) => !isIgnored(entry.name, entry.isDirectory(), patterns))
      .map((entry) => entry.name);
    expect(deployed.filter((name) => !DEPLOYED.includes(name))).toEqual([]);
    expect(DEPLOYED.filter((name) => isIgnored(name, name === "dist", patterns))).toEqual([]);
  });
});

function foreign(names: readonly string[]): string[] {
  const known = [...Object.keys(settingsSchema.shape), ...PLATFORM_SETTINGS];
  return names.filter((name) => !known.includes(name));
}

/** The part of gitignore's rules that the file uses: names, folders, and one star within a name. */
function isIgnored(name: string, isFolder: boolean, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    if (pattern.endsWith("/")) return isFolder && pattern === `${name}/`;
    const [before = "", after] = pattern.split("*");
    return after === undefined ? pattern === name : name.startsWith(before) && name.endsWith(after);
  });
}

async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, "utf8")) as T;
}
