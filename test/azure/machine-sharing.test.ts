import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createNetwork } from "../../src/azure/network.ts";
import { anOwner, vmId } from "../support/builders.ts";
import { type ScriptedServer, startScriptedServer } from "../support/scripted-server.ts";
import { createStaticCredential } from "../support/static-credential.ts";

const network = `${vmId("web-1").split("/providers/")[0]}/providers/Microsoft.Network`;
const subnetId = `${network}/virtualNetworks/vnet/subnets/web`;
const names = Array.from({ length: 10 }, (_, index) => `web-${index + 1}`);

let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.close());

/** VMs with an interface each, all on one subnet behind the NSG of that name. */
function estateBehind(nsg: string): ScriptedServer["answer"] {
  return ({ path }) => {
    const [id = ""] = path.split("?");
    const name = id.slice(id.lastIndexOf("/") + 1);
    if (id === subnetId) {
      const networkSecurityGroup = { id: `${network}/networkSecurityGroups/${nsg}` };
      return { status: 200, body: { id, name, properties: { networkSecurityGroup } } };
    }
    if (/networkInterfaces/i.test(id)) {
      const properties = { privateIPAddress: "10.0.0.4", subnet: { id: subnetId } };
      const ipConfigurations = [{ name: "one", properties }];
      return { status: 200, body: { id, name, properties: { ipConfigurations } } };
    }
    const networkInterfaces = [{ id: `${network}/networkInterfaces/${name}-nic` }];
    const properties = { networkProfile: { networkInterfaces } };
    return { status: 200, body: { id, name, location: "westeurope", properties } };
  };
}

describe("VMs of one subnet", () => {
  const subnetReads = () => server.requests.filter(({ path }) => path.startsWith(subnetId)).length;
  const createFinder = () =>
    createNetwork({
      credential: createStaticCredential("token"),
      endpoint: server.url,
      scope: "https://management.azure.com/.default",
      tlsOptions: { ca: server.ca },
      retryDelayMs: 1,
      pollMs: 1,
      owner: anOwner,
    });

  it("that are asked for together share the reading of it", async () => {
    server.answer = estateBehind("shop");
    const { findMachine } = createFinder();

    const machines = await Promise.all(names.map((name) => findMachine(vmId(name))));

    expect(machines.map((machine) => machine?.name)).toEqual(names);
    // How many of them meet depends on the machine.
    expect(subnetReads()).toBeLessThan(names.length);
  });

  it("that are asked for one after the other are read anew each", async () => {
    server.answer = estateBehind("shop");
    const { findMachine } = createFinder();
    await findMachine(vmId("web-1"));
    server.answer = estateBehind("other");

    const machine = await findMachine(vmId("web-1"));

    expect(machine?.addresses[0]?.gates).toEqual([`${network}/networkSecurityGroups/other`]);
  });

  it("are asked for in vain while the subnet cannot be read, and no longer", async () => {
    const estate = estateBehind("shop");
    server.answer = (request) =>
      request.path.startsWith(subnetId) ? { status: 403, body: { error: {} } } : estate(request);
    const { findMachine } = createFinder();

    const [one, two] = await Promise.allSettled([
      findMachine(vmId("web-1")),
      findMachine(vmId("web-2")),
    ]);
    server.answer = estate;

    expect([one?.status, two?.status]).toEqual(["rejected", "rejected"]);
    expect((await findMachine(vmId("web-1")))?.addresses).toHaveLength(1);
  });
});
