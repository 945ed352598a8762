import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Cloud } from "../../../local/cloud/cloud.ts";
import { tryToConnect } from "../../../local/cloud/data-plane/client.ts";
import { apiVersion, type Laboratory, openLaboratory } from "./support/running-cloud.ts";
import { soon } from "./support/soon.ts";

let lab: Laboratory;
beforeAll(async () => {
  lab = await openLaboratory();
});
afterAll(() => lab.dispose());

const network = () =>
  `/subscriptions/${lab.estate.subscriptionId}/resourceGroups/rg-network/providers/Microsoft.Network`;
const groupPath = () =>
  `${network()}/firewallPolicies/fwp-hub/ruleCollectionGroups/ours?${apiVersion}`;

async function startHub(): Promise<Cloud> {
  const entry = {
    firewall: `${network()}/azureFirewalls/fw-hub`,
    publicIpAddress: "192.0.2.50",
    listenOn: "127.0.0.1",
    source: "203.0.113.7",
  };
  return await lab.start({
    estate: { ...lab.estate, dataPlane: [entry] },
    timing: { firewallUpdateMs: 20 },
  });
}

/** A rule collection group that leads one port of the hub's firewall to SSH of vm-spoke. */
function leading(port: number) {
  const rule = {
    ruleType: "NatRule",
    name: "ssh",
    ipProtocols: ["TCP"],
    sourceAddresses: ["203.0.113.7"],
    destinationAddresses: ["192.0.2.50"],
    destinationPorts: [`${port}`],
    translatedAddress: "10.31.1.4",
    translatedPort: "22",
  };
  const collection = {
    ruleCollectionType: "FirewallPolicyNatRuleCollection",
    name: "ours",
    priority: 100,
    action: { type: "DNAT" },
    rules: [rule],
  };
  return { properties: { priority: 300, ruleCollections: [collection] } };
}

async function aFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function stateOf(cloud: Cloud): Promise<string> {
  const { body } = await lab.send(cloud, "GET", groupPath());
  return body.properties?.provisioningState ?? "absent";
}

/** For writes of the group. */
async function arm(cloud: Cloud, kind: string, times: number | "always"): Promise<void> {
  const body = { match: "ruleCollectionGroups/ours", kind, times };
  await lab.send(cloud, "POST", "/local/faults", { body, anonymous: true });
}

/** Lets operations that would never end do so. */
async function release(cloud: Cloud): Promise<void> {
  await lab.send(cloud, "DELETE", "/local/faults", { anonymous: true });
}

describe("a group of a policy's rules that is written through ARM", () => {
  it("opens a port of the firewall when its update has ended, and its deletion shuts it", async () => {
    const cloud = await startHub();
    await arm(cloud, "operation-never-ends", "always");
    const port = await aFreePort();
    const address = `127.0.0.1:${port}`;

    await lab.send(cloud, "PUT", groupPath(), { body: leading(port) });
    const whileUpdating = await tryToConnect(address);
    await release(cloud);
    await soon(async () => expect(await stateOf(cloud)).toBe("Succeeded"));
    const open = await tryToConnect(address);
    await arm(cloud, "operation-never-ends", "always");
    await lab.send(cloud, "DELETE", groupPath());
    const whileDeleting = await tryToConnect(address);
    await release(cloud);
    await soon(async () => expect(await stateOf(cloud)).toBe("absent"));
    const after = await tryToConnect(address);
    for (const connection of [open, whileDeleting]) connection?.end();

    expect(whileUpdating).toBeUndefined();
    expect(open?.greeting).toContain("vm-spoke:22");
    expect(whileDeleting).toBeDefined();
    expect(after).toBeUndefined();
  });

  it("opens nothing when its update fails, though ARM shows the rule", async () => {
    const cloud = await startHub();
    const port = await aFreePort();
    await arm(cloud, "operation-fails", 1);

    await lab.send(cloud, "PUT", groupPath(), { body: leading(port) });
    await soon(async () => expect(await stateOf(cloud)).toBe("Failed"));
    const afterFailure = await tryToConnect(`127.0.0.1:${port}`);
    await lab.send(cloud, "PUT", groupPath(), { body: leading(port) });
    await soon(async () => expect(await stateOf(cloud)).toBe("Succeeded"));
    const afterSuccess = await tryToConnect(`127.0.0.1:${port}`);
    afterSuccess?.end();

    expect(afterFailure).toBeUndefined();
    expect(afterSuccess).toBeDefined();
  });
});
