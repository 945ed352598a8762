import { beforeEach, describe, expect, it } from "@jest/globals";
import { toldSettings } from "../../src/activity/configuration-facts.ts";
import { readConfig } from "../../src/config.ts";
import type { SettingsStore } from "../../src/ports.ts";
import { createConfigurationTeller } from "../../src/workflow/configuration.ts";
import { subscriptionId } from "../support/builders.ts";
import { createFakeSettingsStore } from "../support/fake-settings-store.ts";
import { createFaults, type PlannedFault } from "../support/faults.ts";
import { createWorld, type World } from "../support/world.ts";

const secret = "c2VjcmV0LXNlY3JldA";
const environment = {
  TABLES_CONNECTION_STRING: `AccountName=a;AccountKey=${secret}`,
  ENTRA_TENANT_IDS: "11111111-2222-4333-8444-555555555555",
  ENTRA_AUDIENCES: "api://jit",
  DEPLOYMENT_NAME: "shop",
};
const webhook = (values: object = {}) =>
  JSON.stringify([
    { name: "ops", format: "json", url: `https://hooks.example/${secret}`, secret, ...values },
  ]);

describe("the settings that the audit is told", () => {
  let world: World;
  let settings: SettingsStore;
  beforeEach(() => {
    world = createWorld();
    settings = createFakeSettingsStore();
  });

  const told = (more: Readonly<Record<string, string>> = {}) =>
    toldSettings(readConfig({ ...environment, ...more }).settings, world.ids.digest);
  /** A start of the app with these settings; tells how its timer goes on. */
  const start = (more: Readonly<Record<string, string>> = {}, fault?: PlannedFault) => {
    const faults = createFaults(fault);
    const ports = { ...world.start(faults), settings: faults.through("settings", settings) };
    return createConfigurationTeller(ports, told(more), subscriptionId);
  };
  /** In the order of their ids, which count: all happens at the same moment. */
  const changes = async () =>
    (await world.facts())
      .toSorted((one, other) => (one.id < other.id ? -1 : 1))
      .map((fact) => fact.changes);

  it("are all of them at the first start", async () => {
    await start()();

    const [first] = await changes();
    expect(first).toContainEqual({ path: "DEPLOYMENT_NAME", after: '"shop"' });
    expect(first).toContainEqual({ path: "TABLES_PREFIX", after: '"Jit"' });
  });

  it("are those that changed since, each with what it was and is; none where none did", async () => {
    await start()();
    await start()();
    await start({ DIRECTORY: "off", PUBLIC_URL: "https://jit.example" })();

    expect((await changes()).slice(1)).toEqual([
      [
        { path: "DIRECTORY", before: '"graph"', after: '"off"' },
        { path: "PUBLIC_URL", after: '"https://jit.example"' },
      ],
    ]);
  });

  it("are told again when somebody goes back to those of before", async () => {
    for (const DIRECTORY of ["graph", "off", "graph", "off"]) {
      await start({ DIRECTORY })();
    }

    expect(await changes()).toHaveLength(4);
  });

  it("tell of a secret that it changed, and nothing of what it is", async () => {
    await start({ WEBHOOKS: webhook() })();
    await start({ WEBHOOKS: webhook({ secret: `${secret}-2` }) })();

    const all = await changes();
    expect(JSON.stringify(all)).not.toMatch(/c2VjcmV0|AccountKey|hooks\.example/);
    expect(all[1]).toEqual([
      {
        path: "WEBHOOKS[ops].secret",
        before: expect.stringMatching(/^"sha256 [0-9a-f]{8}…"$/),
        after: expect.stringMatching(/^"sha256 [0-9a-f]{8}…"$/),
      },
    ]);
  });

  it("tell of a setting that nobody has called harmless no more than of a secret", () => {
    expect(toldSettings({ NEW_KEY: secret }, world.ids.digest)["NEW_KEY"]).toMatch(/^"sha256 /);
  });

  it("tell for how long activity is kept and where its anchors are: who shortens that is seen", () => {
    const url = "https://a.blob.core.windows.net/anchors";
    const given = { ACTIVITY_RETENTION_DAYS: "90", ANCHOR_CONTAINER_URL: url };

    expect(told(given)).toMatchObject({
      ACTIVITY_RETENTION_DAYS: "90",
      ANCHOR_CONTAINER_URL: JSON.stringify(url),
    });
  });

  it("tell no key that stands in an address", async () => {
    const url = `https://a.table.core.windows.net/?sig=${secret}`;
    const given = { TABLES_CONNECTION_STRING: "", TABLES_URL: url };

    expect(told(given)["TABLES_URL"]).toBe('"https://a.table.core.windows.net/?…"');
  });

  it("are told once by processes that start at the same moment", async () => {
    await Promise.all([start()(), start()(), start()()]);

    expect(await changes()).toHaveLength(1);
  });

  it.each(
    [1, 2, 3].flatMap((at) => [
      { at, kind: "fails" as const },
      { at, kind: "loses its answer" as const },
    ]),
  )("are told once although storage has a fault: %j", async (fault) => {
    const tell = start({}, fault);

    await tell();
    await tell();
    await tell();
    await start()();

    expect(await changes()).toHaveLength(1);
  });

  it("are told once although the process died between the fact and the row", async () => {
    void start({}, { at: 2, kind: "dies after" })();
    await new Promise(setImmediate);
    await start()();

    expect(await changes()).toHaveLength(1);
  });
});
