import type { Cloud } from "../../../../local/cloud/cloud.ts";
import { firewallPaths, natCollection, policyNatCollection } from "./a-firewall.ts";
import type { Laboratory } from "./running-cloud.ts";

/** Where nothing waits for the end of an update. */
export const endless = { timing: { firewallUpdateMs: 60_000 } };

/** A rule collection group as fwp-hub takes it. */
export const group = { properties: { priority: 300, ruleCollections: [policyNatCollection()] } };

/** One that any policy takes. */
export const emptyGroup = { properties: { priority: 300, ruleCollections: [] } };

/** How a write is refused while another one runs. */
export const conflict = { status: 409, body: { error: { code: "AnotherOperationInProgress" } } };

/** What tests of firewalls ask of the clouds of a laboratory. */
export function firewallCalls(lab: Laboratory) {
  const paths = firewallPaths(lab.estate.subscriptionId);
  const get = async (cloud: Cloud, path: string) => (await lab.send(cloud, "GET", path)).body;
  return {
    paths,
    get,
    /** PUTs the classic firewall with one more collection, otherwise as it was read. */
    async putEdge(cloud: Cloud, headers: Readonly<Record<string, string>> = {}) {
      const edge = await get(cloud, paths.edge);
      edge.properties.natRuleCollections.push(natCollection());
      return await lab.send(cloud, "PUT", paths.edge, { body: edge, headers });
    },
    /** The answer of the operation that some headers speak of; `from` is the cloud that sent them. */
    async poll(cloud: Cloud, headers: Readonly<Record<string, unknown>>, from = cloud) {
      return await get(cloud, String(headers["azure-asyncoperation"]).slice(from.url.length));
    },
  };
}
