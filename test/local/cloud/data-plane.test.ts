import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { Cloud } from "../../../local/cloud/cloud.ts";
import { type EchoConnection, tryToConnect } from "../../../local/cloud/data-plane/client.ts";
import { nameOf } from "../../../local/cloud/data-plane/machine-port.ts";
import type { DataPlaneEntry, FirewallEntry } from "../../../local/cloud/estate.ts";
import { aRule } from "./support/a-rule.ts";
import { fastPolls, type Laboratory, openLaboratory } from "./support/running-cloud.ts";

let lab: Laboratory;
beforeAll(async () => {
  lab = await openLaboratory();
});
afterAll(() => lab.dispose());

const alice = "203.0.113.7";
const stranger = "203.0.113.99";

function machine(name: string): string {
  return `/subscriptions/${lab.estate.subscriptionId}/resourceGroups/rg-demo/providers/Microsoft.Compute/virtualMachines/${name}`;
}

function aPort(name: string, more: Partial<DataPlaneEntry> = {}): DataPlaneEntry {
  return {
    virtualMachine: machine(name),
    port: 22,
    listen: 0,
    backend: "echo",
    source: alice,
    ...more,
  };
}

/** A cloud whose estate has these ports and no others. */
async function startWith(
  dataPlane: readonly (DataPlaneEntry | FirewallEntry)[],
  more: {
    readonly nsgWriteMs?: number;
    readonly stateFile?: string;
    readonly now?: () => Date;
  } = {},
): Promise<Cloud> {
  const { nsgWriteMs = 5, ...options } = more;
  return await lab.start({
    estate: { ...lab.estate, dataPlane },
    timing: { nsgWriteMs },
    ...options,
  });
}

const connections: EchoConnection[] = [];
afterEach(() => {
  for (const connection of connections.splice(0)) connection.end();
});

async function connect(cloud: Cloud, index = 0): Promise<EchoConnection | undefined> {
  const connection = await tryToConnect(cloud.machinePorts()[index]?.address ?? "");
  if (connection !== undefined) connections.push(connection);
  return connection;
}

async function write(cloud: Cloud, group: string, nsg: string, more = {}): Promise<void> {
  const { securityRules } = lab.network(cloud);
  await securityRules.createOrUpdate(group, nsg, "JitAccess-1", aRule(more), fastPolls);
}

async function remove(cloud: Cloud): Promise<void> {
  await lab.network(cloud).securityRules.delete("rg-demo", "nsg-linux", "JitAccess-1", fastPolls);
}

describe("a port of a machine", () => {
  it("turns a client away until a rule lets it in, and again once that rule is gone", async () => {
    const cloud = await startWith([aPort("vm-linux")]);

    const before = await connect(cloud);
    await write(cloud, "rg-demo", "nsg-linux");
    const during = await connect(cloud);
    await remove(cloud);
    const after = await connect(cloud);

    expect(before).toBeUndefined();
    expect(during?.greeting).toMatch(/^vm-linux:22 .*203\.0\.113\.7/);
    expect(await during?.say("uptime")).toBe("uptime");
    expect(after).toBeUndefined();
  });

  it("lets a connection live on after its rule has gone, as Azure does", async () => {
    const cloud = await startWith([aPort("vm-linux")]);
    await write(cloud, "rg-demo", "nsg-linux");
    const connection = await connect(cloud);

    await remove(cloud);

    expect(await connect(cloud)).toBeUndefined();
    expect(await connection?.say("still here")).toBe("still here");
  });

  it("stays shut for other sources, other ports and other machines than the rule's", async () => {
    const cloud = await startWith([
      aPort("vm-linux"),
      aPort("vm-linux", { source: stranger }),
      aPort("vm-linux", { port: 3389 }),
      aPort("vm-both"),
    ]);

    await write(cloud, "rg-demo", "nsg-linux");

    const letIn = await Promise.all([0, 1, 2, 3].map((index) => connect(cloud, index)));
    expect(letIn.map((each) => each !== undefined)).toEqual([true, false, false, false]);
  });

  it("needs both the subnet's and the network interface's NSG to allow", async () => {
    const cloud = await startWith([aPort("vm-both")]);
    const toBoth = { destinationAddressPrefix: "10.10.3.4" };

    await write(cloud, "rg-network", "nsg-both-subnet", toBoth);
    const withOne = await connect(cloud);
    const [halfOpen] = cloud.machinePorts();
    await write(cloud, "rg-demo", "nsg-both-nic", toBoth);
    const withBoth = await connect(cloud);

    expect(withOne).toBeUndefined();
    expect(halfOpen?.decidedBy.map(({ rule, access }) => `${rule} ${access}`)).toEqual([
      "JitAccess-1 Allow",
      "DenyAllInBound Deny",
    ]);
    expect(withBoth).toBeDefined();
  });

  it("is opened to a neighbour in the virtual network by Azure's default rule", async () => {
    const cloud = await startWith([aPort("vm-linux", { source: "10.10.8.11" })]);

    expect(await connect(cloud)).toBeDefined();
    expect(cloud.machinePorts()[0]?.decidedBy).toMatchObject([{ rule: "AllowVnetInBound" }]);
  });

  it("without any NSG is closed behind a Standard public IP and open behind none", async () => {
    const cloud = await startWith([aPort("vm-bare")]);
    const behindStandard = await connect(cloud);
    const nic = cloud.resources
      .list("Microsoft.Network/networkInterfaces")
      .find(({ resource }) => resource.name === "nic-vm-bare")?.resource;
    if (nic === undefined) throw new Error("the sample has no nic-vm-bare");

    cloud.resources.put(JSON.parse(JSON.stringify(nic).replace("publicIPAddress", "formerly")));

    expect(behindStandard).toBeUndefined();
    expect(await connect(cloud)).toBeDefined();
  });

  it("is reached at the address the estate names, at the primary one of the client's IP version by default", async () => {
    const cloud = await startWith([
      aPort("vm-dual"),
      aPort("vm-dual", { source: "2001:db8:100::1", port: 443 }),
      aPort("vm-dual", { destination: "10.10.5.4" }),
      aPort("vm-dual", { destination: "10.10.5.99" }),
    ]);

    const deciders = cloud
      .machinePorts()
      .map(
        ({ decidedBy, note }) => decidedBy.at(-1)?.networkSecurityGroup?.split("/").at(-1) ?? note,
      );

    expect(deciders).toEqual([
      "nsg-dual-front",
      "nsg-dual-front",
      "nsg-dual-back",
      "There is no such machine, or no such address.",
    ]);
    expect(cloud.machinePorts()[1]?.letsIn).toBe(true);
  });

  it("leads to a server of one's own, and shows when nothing listens there", async () => {
    const server = createServer((client) => {
      client.write("hello from behind\n");
      client.pipe(client);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const cloud = await startWith([aPort("vm-linux", { backend: `127.0.0.1:${port}` })]);
    await write(cloud, "rg-demo", "nsg-linux");

    const connection = await connect(cloud);
    const answer = await connection?.say("through");
    connection?.end();
    await new Promise((resolve) => server.close(resolve));

    expect(connection?.greeting).toBe("hello from behind");
    expect(answer).toBe("through");
    expect(await connect(cloud)).toBeUndefined();
  });
});

describe("a write that is under way", () => {
  it("changes nothing for packets until its operation has ended", async () => {
    const cloud = await startWith([aPort("vm-linux")], { nsgWriteMs: 300 });
    const { securityRules, networkSecurityGroups } = lab.network(cloud);
    const letsIn = () => cloud.machinePorts()[0]?.letsIn;

    const opening = securityRules.createOrUpdate(
      "rg-demo",
      "nsg-linux",
      "JitAccess-1",
      aRule(),
      fastPolls,
    );
    await opening.submitted();
    const whileOpening = letsIn();
    await opening;
    const opened = letsIn();
    const whole = await networkSecurityGroups.get("rg-demo", "nsg-linux");
    const closing = networkSecurityGroups.createOrUpdate(
      "rg-demo",
      "nsg-linux",
      { ...whole, securityRules: [] },
      fastPolls,
    );
    await closing.submitted();
    const whileClosing = letsIn();
    await closing;

    expect([whileOpening, opened, whileClosing, letsIn()]).toEqual([false, true, true, false]);
  });

  it("still changes nothing after a restart in its midst", async () => {
    const stateFile = join(lab.dir, "in-force.json");
    const first = await startWith([aPort("vm-linux")], { stateFile });
    await write(first, "rg-demo", "nsg-linux");
    await first.stop();
    const second = await startWith([aPort("vm-linux")], { stateFile, nsgWriteMs: 600_000 });
    await lab
      .network(second)
      .securityRules.delete("rg-demo", "nsg-linux", "JitAccess-1", fastPolls)
      .submitted();
    await second.stop();

    const third = await startWith([aPort("vm-linux")], { stateFile });
    const inItsMidst = await connect(third);
    await third.stop();
    const tenMinutesLater = () => new Date(Date.now() + 600_000);
    const fourth = await startWith([aPort("vm-linux")], { stateFile, now: tenMinutesLater });

    expect(inItsMidst).toBeDefined();
    await expectSoon(() => expect(fourth.machinePorts()[0]?.letsIn).toBe(false));
    expect(await connect(fourth)).toBeUndefined();
  });
});

describe("the data plane", () => {
  it("lists its ports, and why a new connection would be let in or not, to whoever asks", async () => {
    const cloud = await startWith([aPort("vm-linux"), aPort("vm-windows", { port: 3389 })]);
    await write(cloud, "rg-demo", "nsg-linux");

    const { body } = await lab.send(cloud, "GET", "/local/data-plane", { anonymous: true });

    expect(body.value).toMatchObject([
      {
        virtualMachine: machine("vm-linux"),
        port: 22,
        source: alice,
        address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        isSubstitute: false,
        letsIn: true,
        decidedBy: [{ rule: "JitAccess-1", access: "Allow" }],
      },
      { port: 3389, letsIn: false, decidedBy: [{ rule: "deny-all-inbound", access: "Deny" }] },
    ]);
  });

  it("takes another port when the estate's is taken, and says so", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port: listen } = taken.address() as { port: number };

    const cloud = await startWith([aPort("vm-linux", { listen })]);
    taken.close();

    expect(cloud.machinePorts()[0]).toMatchObject({
      askedFor: `127.0.0.1:${listen}`,
      isSubstitute: true,
    });
    expect(cloud.machinePorts()[0]?.address).not.toBe(`127.0.0.1:${listen}`);
  });

  it("answers at the same port after a restart, with every connection of before ended", async () => {
    const stateFile = join(lab.dir, "data-plane.json");
    const first = await startWith([aPort("vm-linux")], { stateFile });
    await write(first, "rg-demo", "nsg-linux");
    const listen = Number(first.machinePorts()[0]?.address.split(":")[1]);
    const connection = await connect(first);

    await first.stop();
    const second = await startWith([aPort("vm-linux", { listen })], { stateFile });

    await expect(connection?.say("anybody there?")).rejects.toThrow();
    expect(second.machinePorts()[0]).toMatchObject({ letsIn: true, isSubstitute: false });
    expect(await connect(second)).toBeDefined();
  });

  it("of the sample shows SSH and RDP as closed to everybody outside", async () => {
    const machines = (lab.estate.dataPlane ?? []).filter((entry) => "virtualMachine" in entry);

    const cloud = await startWith(machines.map((entry) => ({ ...entry, listen: 0 })));

    expect(cloud.machinePorts()).toHaveLength(7);
    expect(cloud.machinePorts().filter(({ letsIn }) => letsIn)).toEqual([]);
  });

  it("of the sample shows what its firewalls publish, to everybody", async () => {
    const firewalls = (lab.estate.dataPlane ?? []).filter((entry) => "firewall" in entry);

    const cloud = await startWith(firewalls);

    expect(
      cloud
        .machinePorts()
        .map((port) => `${port.publicIpAddress}:${port.mappedPort} ${nameOf(port)} ${port.letsIn}`),
    ).toEqual([
      "192.0.2.40:443 vm-edge:443 true",
      "192.0.2.40:443 vm-edge:443 true",
      "192.0.2.50:443 vm-spoke:443 true",
      "192.0.2.50:443 vm-spoke:443 true",
    ]);
  });
});

/** Checks again and again, for at most five seconds. */
async function expectSoon(check: () => void): Promise<void> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    try {
      return check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
