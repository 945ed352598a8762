import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { loadEstate } from "../../../local/cloud/load-estate.ts";

const sample = join(import.meta.dirname, "../../../local/cloud/estates/sample.json");

let dir: string;
let virtualMachine: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "data-plane-estate-"));
  const { dataPlane = [] } = await loadEstate(sample);
  virtualMachine = dataPlane.find((entry) => "virtualMachine" in entry)?.virtualMachine ?? "";
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** The sample estate with other ports, written to a file of its own. */
async function estateWith(dataPlane: unknown): Promise<string> {
  const estate = JSON.parse(await readFile(sample, "utf8"));
  const file = join(dir, "estate.json");
  await writeFile(file, JSON.stringify({ ...estate, dataPlane }));
  return file;
}

describe("the ports of an estate", () => {
  it("may be left out, as in estates from before there were any", async () => {
    const { dataPlane } = await loadEstate(await estateWith(undefined));

    expect(dataPlane).toBeUndefined();
  });

  it("need no more than machine and port", async () => {
    const { dataPlane } = await loadEstate(await estateWith([{ virtualMachine, port: 22 }]));

    expect(dataPlane).toEqual([
      { virtualMachine, port: 22, listen: 0, backend: "echo", source: "203.0.113.7" },
    ]);
  });

  it("of a firewall need its address in Azure and one on this computer", async () => {
    const entry = {
      firewall: virtualMachine,
      publicIpAddress: "192.0.2.60",
      listenOn: "127.0.9.1",
    };

    const { dataPlane } = await loadEstate(await estateWith([entry]));

    expect(dataPlane).toEqual([{ ...entry, source: "203.0.113.7" }]);
  });

  it.each([
    {
      case: "a firewall that is not there",
      fault: { firewall: "/subscriptions/x/none" },
      named: /x\/none'\n.*dataPlane\[1\]\.firewall/,
    },
    {
      case: "an address that others can reach",
      fault: { listenOn: "0.0.0.0" },
      named: /dataPlane\[1\]\.listenOn/,
    },
    {
      case: "an address that another entry has",
      fault: { listenOn: "127.0.9.1" },
      named: /address 127\.0\.9\.1' is there twice\n.*dataPlane\[1\]\.listenOn/,
    },
    { case: "a port", fault: { port: 22 }, named: /dataPlane\[1\]/ },
  ])("of a firewall are refused with $case, naming its place", async ({ fault, named }) => {
    const good = { firewall: virtualMachine, publicIpAddress: "192.0.2.60", listenOn: "127.0.9.1" };
    const file = await estateWith([good, { ...good, listenOn: "127.0.9.2", ...fault }]);

    await expect(loadEstate(file)).rejects.toThrow(named);
  });

  it.each([
    {
      case: "a machine that is not there",
      fault: { virtualMachine: "/subscriptions/x/none" },
      named: /x\/none'\n.*dataPlane\[1\]\.virtualMachine/,
    },
    { case: "a port out of range", fault: { port: 0 }, named: /dataPlane\[1\]\.port/ },
    {
      case: "a listening port that is there twice",
      fault: { listen: 12_022 },
      named: /port 12022' is there twice\n.*dataPlane\[1\]\.listen/,
    },
    {
      case: "a backend on another machine",
      fault: { backend: "10.0.0.4:22" },
      named: /dataPlane\[1\]\.backend/,
    },
    {
      case: "a source that is no address",
      fault: { source: "home" },
      named: /dataPlane\[1\]\.source/,
    },
    { case: "an unknown member", fault: { sources: [] }, named: /dataPlane\[1\]/ },
  ])("are refused with $case, naming its place", async ({ fault, named }) => {
    const good = { virtualMachine, port: 22, listen: 12_022 };
    const file = await estateWith([good, { ...good, listen: 12_023, ...fault }]);

    await expect(loadEstate(file)).rejects.toThrow(named);
  });
});
