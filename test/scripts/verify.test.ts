import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { TableClient } from "@azure/data-tables";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { parseVerifyOptions } from "../../scripts/verify/options.ts";
import { resultText, runVerify } from "../../scripts/verify/run.ts";
import { createActivityStore } from "../../src/tables/activity.ts";
import { createAnchorStore } from "../../src/tables/anchors.ts";
import { createTables } from "../../src/tables/client.ts";
import { createLedger } from "../../src/tables/ledger.ts";
import { anchorDaily } from "../../src/workflow/anchor-activity.ts";
import { type Azurite, startAzurite } from "../support/azurite.ts";
import { createFixedClock } from "../support/fixed-clock.ts";
import { pause } from "../support/fresh-tables.ts";
import { createKeptActivity } from "../support/kept-activity.ts";
import { sha256 } from "../support/stored-chains.ts";
import { aFact, vmId } from "../support/stored-samples.ts";

const root = join(import.meta.dirname, "../..");
const person = { tenantId: "tenant", objectId: "object", name: "alice" };

describe("npm run verify", () => {
  let azurite: Azurite;
  beforeAll(async () => {
    azurite = await startAzurite();
  }, 30_000);
  afterAll(() => azurite?.stop());

  /** Two months of facts in Table Storage, with an anchor; the prefix of their tables. */
  async function recorded(): Promise<string> {
    const prefix = `T${randomBytes(8).toString("hex")}`;
    const tables = createTables(azurite, { prefix });
    const activity = createActivityStore(tables, pause);
    const ports = {
      clock: createFixedClock("2026-04-03T00:00:00Z"),
      ids: { digest: sha256 },
      ledger: createLedger(tables, pause),
      anchors: createAnchorStore(tables),
    };
    await activity.record(
      ["2026-03-01", "2026-03-02", "2026-04-01"].flatMap((day) =>
        ["web1", "db1"].map((name) =>
          aFact({
            id: `${day}-${name}`,
            at: `${day}T09:00:00.000Z`,
            vmId: vmId(name),
            actor: person,
            requestId: "request",
          }),
        ),
      ),
    );
    await anchorDaily(ports);
    return prefix;
  }

  async function run(prefix: string, ...args: readonly string[]) {
    const child = spawn(process.execPath, ["scripts/verify.ts", ...args], {
      cwd: root,
      env: {
        PATH: process.env["PATH"] ?? "",
        TABLES_CONNECTION_STRING: azurite.connectionString,
        TABLES_PREFIX: prefix,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ended = new Promise<number | null>((resolve) => void child.once("exit", resolve));
    const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { code, out, err };
  }

  it("ends with 0 where all is as it was written, and with 1 and the position where a row was changed", async () => {
    const prefix = await recorded();
    const good = await run(prefix, "--json");
    const table = TableClient.fromConnectionString(
      azurite.connectionString,
      `${prefix}Activity202603`,
      { allowInsecureConnection: true },
    );
    const [partition, body] = await rowOf(table);
    const bad = await run(prefix, "--from", "2026-03", "--to", "2026-03");

    expect({ code: good.code, ...JSON.parse(good.out) }).toMatchObject({
      code: 0,
      verified: true,
      months: ["2026-03", "2026-04"],
      facts: 6,
      anchors: { checked: 1, latest: "2026-04-03T00:00:00.000Z" },
    });
    expect(bad.code).toBe(1);
    expect(bad.out).toContain(`altered: 2026-03/${partition} (number 1, fact ${body.id}`);
    expect(bad.out).toContain("NOT verified");
  }, 30_000);

  /** Changes a row of a VM, the oldest, as somebody with access to the storage could. */
  async function rowOf(table: TableClient): Promise<readonly [string, { readonly id: string }]> {
    for await (const row of table.listEntities<{ body: string; seq: number }>()) {
      const { partitionKey = "", rowKey = "", seq } = row;
      if (partitionKey.startsWith("vm|") && rowKey !== "!head" && seq === 1) {
        const changed = row.body.replace("09:00", "08:00");
        await table.updateEntity({ partitionKey, rowKey, body: changed }, "Merge");
        return [partitionKey, JSON.parse(row.body)];
      }
    }
    throw new Error("There is no fact of a VM.");
  }

  it("creates nothing, and ends with 2 where nothing is that could be verified", async () => {
    const prefix = `T${randomBytes(8).toString("hex")}`;
    const { code, err } = await run(prefix);

    expect(code).toBe(2);
    expect(err).toContain("nothing could be verified");
    await expect(
      createTables(azurite, { prefix, isReadOnly: true })
        .gates()
        .then((gates) => gates.getEntity("a", "b")),
    ).rejects.toThrow(/TableNotFound|does not exist/);
  }, 30_000);

  it("says what it found, the first of many", async () => {
    const kept = createKeptActivity("2026-03-10T12:17:45Z");
    await kept.record({ at: "2026-03-09T08:00:00.000Z" });
    await kept.keep();
    const result = await runVerify(kept, { from: "0000-01", to: "9999-12" }, () => undefined);
    const problems = Array.from({ length: 60 }, (_, index) => ({
      kind: "missing" as const,
      chain: `2026-03/vm|${index}`,
      message: "It is not there.",
    }));

    expect(resultText(result)).toContain("Verified: 1 facts in 2 chains");
    const told = resultText({ ...result, verified: false, problems });
    expect(told).toContain("missing: 2026-03/vm|49\n    It is not there.");
    expect(told).toContain("… and 10 more");
  });

  it.each([
    { given: ["--from", "spring"], message: /--from is a month/ },
    { given: ["--from", "2026-05", "--to", "2026-04"], message: /is after/ },
    { given: ["--dry"], message: /--help/ },
  ])("does not understand $given", ({ given, message }) => {
    expect(() => parseVerifyOptions(given)).toThrow(message);
  });

  it("takes a day for its month, and tells what there is when asked", () => {
    expect(parseVerifyOptions(["--from", "2026-05-09", "--json"])).toEqual({
      from: "2026-05",
      to: "9999-12",
      json: true,
      dataDir: ".local",
    });
    expect(parseVerifyOptions(["--help"])).toBe("help");
  });
});
