import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { readHostJson, readLocalSettings } from "../../../local/host/settings.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "host-settings-"));
});
afterEach(() => rm(folder, { recursive: true }));

const write = (name: string, text: string) => writeFile(join(folder, name), text);

describe("host.json", () => {
  it("gives the route prefix, also the empty one", async () => {
    await write("host.json", '{"version":"2.0","extensions":{"http":{"routePrefix":""}}}');

    const { extensions } = await readHostJson(folder);

    expect(extensions.http.routePrefix).toBe("");
  });

  it("may be missing: the prefix is then api", async () => {
    expect((await readHostJson(folder)).extensions.http.routePrefix).toBe("api");
  });

  it("must be of version 2.0", async () => {
    await write("host.json", '{"version":"1.0"}');

    await expect(readHostJson(folder)).rejects.toThrow("host.json");
  });
});

describe("local.settings.json", () => {
  it("gives its values", async () => {
    await write("local.settings.json", '{"IsEncrypted":false,"Values":{"A":"1"},"Host":{}}');

    expect(await readLocalSettings(folder)).toEqual({ A: "1" });
  });

  it("may be missing", async () => {
    expect(await readLocalSettings(folder)).toEqual({});
  });

  it.each([
    ["encrypted", '{"IsEncrypted":true,"Values":{}}', "cannot decrypt"],
    ["not JSON", "{", "is not JSON"],
    ["full of numbers", '{"Values":{"A":1}}', "A"],
  ])("is refused when it is %s", async (_case, text, reason) => {
    await write("local.settings.json", text);

    await expect(readLocalSettings(folder)).rejects.toThrow(reason);
  });
});
