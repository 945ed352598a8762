import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { Cloud } from "../../../local/cloud/cloud.ts";
import { type EchoConnection, tryToConnect } from "../../../local/cloud/data-plane/client.ts";
import type { ArmResource, DataPlaneEntry, FirewallEntry } from "../../../local/cloud/estate.ts";
import {
  aDnatRule,
  alice,
  anEntry,
  aTown,
  carrierOf,
  ids,
  type Kind,
  machineAddress,
  publicAddress,
} from "./support/behind-a-firewall.ts";
import { type Laboratory, openLaboratory } from "./support/running-cloud.ts";

let lab: Laboratory;
beforeAll(async () => {
  lab = await openLaboratory();
});
afterAll(() => lab.dispose());

const connections: EchoConnection[] = [];
afterEach(() => {
  for (const connection of connections.splice(0)) connection.end();
});

async function startWith(
  resources: readonly ArmResource[],
  dataPlane: readonly (DataPlaneEntry | FirewallEntry)[] = [anEntry()],
  stateFile?: string,
): Promise<Cloud> {
  const estate = { ...lab.estate, resources, dataPlane };
  return await lab.start({ estate, ...(stateFile === undefined ? {} : { stateFile }) });
}

async function connect(address: string | undefined): Promise<EchoConnection | undefined> {
  const connection = await tryToConnect(address ?? "");
  if (connection !== undefined) connections.push(connection);
  return connection;
}

/** A port of 127.0.0.1 that nobody listened on a moment ago. */
async function aFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function open(port: number, more = {}) {
  return { dnat: [{ rules: [aDnatRule({ destinationPorts: [`${port}`], ...more })] }] };
}

/** Puts and waits a turn of the event loop: what follows a change happens within it. */
async function put(cloud: Cloud, resource: ArmResource): Promise<void> {
  cloud.resources.put(resource);
  await new Promise((resolve) => setImmediate(resolve));
}

describe.each<Kind>(["classic", "policy"])("a port of a firewall (%s)", (kind) => {
  it("answers where a person would connect to while a DNAT rule is there, and is refused before and after", async () => {
    const cloud = await startWith(aTown(kind));
    const port = await aFreePort();
    const address = `127.0.0.1:${port}`;

    const before = await connect(address);
    await put(cloud, carrierOf(kind, open(port)));
    const during = await connect(address);
    const [listed] = cloud.machinePorts();
    await put(cloud, carrierOf(kind, {}));
    const after = await connect(address);

    expect(before).toBeUndefined();
    expect(during?.greeting).toMatch(/^vm-test:22 .*203\.0\.113\.7/);
    expect(listed).toMatchObject({
      virtualMachine: ids.machine,
      port: 22,
      source: alice,
      firewall: ids.firewall,
      publicIpAddress: publicAddress,
      mappedPort: port,
      address,
      isSubstitute: false,
      letsIn: true,
    });
    expect(after).toBeUndefined();
    expect(cloud.machinePorts()).toEqual([]);
    expect(await during?.say("still here")).toBe("still here");
    await cloud.stop();
    await expect(during?.say("and now?")).rejects.toThrow();
  });

  it("meets the former rules while an update runs and after it has failed, until a later one succeeds", async () => {
    const [former, next] = [await aFreePort(), await aFreePort()];
    const cloud = await startWith(aTown(kind, open(former)));
    const answering = () => cloud.machinePorts().map(({ mappedPort }) => mappedPort);

    await put(cloud, carrierOf(kind, open(next), "Updating"));
    const whileUpdating = answering();
    await put(cloud, carrierOf(kind, open(next), "Failed"));
    const afterFailure = answering();
    const connection = await connect(`127.0.0.1:${former}`);
    await put(cloud, carrierOf(kind, open(next), "Updating"));
    const whileTryingAgain = answering();
    await put(cloud, carrierOf(kind, open(next)));

    expect([whileUpdating, afterFailure, whileTryingAgain]).toEqual([[former], [former], [former]]);
    expect(connection).toBeDefined();
    expect(answering()).toEqual([next]);
  });

  it("meets the former rules after a restart in the midst of an update", async () => {
    const [former, next] = [await aFreePort(), await aFreePort()];
    const stateFile = join(lab.dir, `firewall-${kind}.json`);
    const town = aTown(kind, open(former));
    const first = await startWith(town, [anEntry()], stateFile);
    await put(first, carrierOf(kind, open(next), "Updating"));
    await first.stop();

    const second = await startWith(town, [anEntry()], stateFile);
    const inItsMidst = second.machinePorts().map(({ mappedPort }) => mappedPort);
    await put(second, carrierOf(kind, open(next)));

    expect(inItsMidst).toEqual([former]);
    expect(second.machinePorts().map(({ mappedPort }) => mappedPort)).toEqual([next]);
  });
});

describe("a group of rules that is new", () => {
  it("counts from when it has been written, and never if that failed", async () => {
    const port = await aFreePort();
    const group = (state: string) => carrierOf("policy", open(port), state);
    const town = aTown("policy").filter(({ id }) => id !== ids.group);
    const cloud = await startWith(town);

    await put(cloud, group("Updating"));
    const whileMaking = cloud.machinePorts();
    await put(cloud, group("Failed"));
    const afterFailure = cloud.machinePorts();
    await put(cloud, group("Succeeded"));
    const made = cloud.machinePorts();
    await put(cloud, group("Deleting"));
    const whileDeleting = cloud.machinePorts();
    cloud.resources.remove(ids.group);
    await new Promise((resolve) => setImmediate(resolve));

    expect([whileMaking, afterFailure]).toEqual([[], []]);
    expect([made.length, whileDeleting.length]).toEqual([1, 1]);
    expect(cloud.machinePorts()).toEqual([]);
  });
});

describe("the ports of a firewall", () => {
  it("are there for every client that the estate has, and let in whom the rule speaks of", async () => {
    const port = await aFreePort();
    const entries = [anEntry(), anEntry({ listenOn: "127.0.0.1", source: "203.0.113.99" })];
    const cloud = await startWith(aTown("classic", open(port)), entries);

    const [ofAlice, ofStranger] = cloud.machinePorts();

    expect(ofAlice).toMatchObject({ source: alice, letsIn: true, isSubstitute: false });
    expect(ofStranger).toMatchObject({ virtualMachine: ids.machine, letsIn: false, port: 22 });
    expect(await connect(ofAlice?.address)).toBeDefined();
    expect(await connect(ofStranger?.address)).toBeUndefined();
  });

  it("give way to a free port where one is taken or the address is not this computer's, and say so", async () => {
    const port = await aFreePort();
    const taken = createServer().listen(port, "127.0.0.1");
    await once(taken, "listening");

    const elsewhere = anEntry({ listenOn: "192.0.2.1" });
    const cloud = await startWith(aTown("classic", open(port)), [anEntry(), elsewhere]);
    const ports = cloud.machinePorts();
    taken.close();

    expect(ports).toMatchObject([
      { askedFor: `127.0.0.1:${port}`, isSubstitute: true },
      { askedFor: `192.0.2.1:${port}`, isSubstitute: true },
    ]);
    for (const { address } of ports) expect(await connect(address)).toBeDefined();
  });

  it("lead to the server that stands behind the machine's own port", async () => {
    const server = createServer((client) => client.end("hello from behind\n"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const backend = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const own = { virtualMachine: ids.machine, port: 22, listen: 0, backend, source: "10.50.0.7" };
    const cloud = await startWith(aTown("classic", open(await aFreePort())), [own, anEntry()]);

    const connection = await connect(cloud.machinePorts()[1]?.address);
    await new Promise((resolve) => server.close(resolve));

    expect(connection?.greeting).toBe("hello from behind");
  });

  it("are none where the firewall does not have the public address", async () => {
    const cloud = await startWith(aTown("classic", open(await aFreePort())), [
      anEntry({ publicIpAddress: "192.0.2.61" }),
    ]);

    expect(cloud.machinePorts()).toEqual([]);
  });

  it("are asked about with the NSG's rules of the moment, and come with a reason", async () => {
    const cloud = await startWith(aTown("policy", open(await aFreePort())));
    const nsg = cloud.resources.get(ids.nsg)?.resource as ArmResource;

    await put(cloud, JSON.parse(JSON.stringify(nsg).replace("10.60.0.0/26", machineAddress)));

    const { body } = await lab.send(cloud, "GET", "/local/data-plane", { anonymous: true });
    expect(body.value).toMatchObject([
      {
        letsIn: false,
        decidedBy: [
          { rule: "ssh", access: "Allow", translatedTo: "10.61.1.4:22" },
          { rule: "deny-all", access: "Deny" },
        ],
      },
    ]);
    expect(await connect(cloud.machinePorts()[0]?.address)).toBeUndefined();
  });
});
