import { mkdtemp, rm } from "node:fs/promises";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { createLocalCa } from "../../../local/tls.ts";
import { startChild } from "./support/start-child.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "host-https-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("a host with a certificate", () => {
  it("serves the same functions over HTTPS, and tells them so", async () => {
    const { ca, key, cert } = await createLocalCa(folder);
    const host = await startChild({ fixture: "web", https: { port: 0, key, cert } });

    const seen = await getJson(`${host.httpsUrl}/api/echo/secure`, ca);

    expect(seen).toMatchObject({ url: `${host.httpsUrl}/api/echo/secure` });
    expect(host.httpsUrl).toMatch(/^https:\/\/localhost:\d+$/);
    expect(await host.stop()).toEqual({ exitCode: 0 });
  });
});

function getJson(url: string, ca: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    get(url, { ca, agent: false }, (response) => resolve(json(response))).once("error", reject);
  });
}
