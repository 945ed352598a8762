import type { DurableClient } from "durable-functions";
import type { Workflows } from "../ports.ts";
import { changeInstance, names, requestInstance, vmInstance } from "./names.ts";

/** The only place that touches the durable client, so that a new major version of the SDK changes one file. */
export function createWorkflows(client: DurableClient): Workflows {
  return {
    async startRequest(requestId, { vmCount }) {
      const instanceId = requestInstance(requestId);
      try {
        await client.startNew(names.accessRequest, { instanceId, input: { requestId, vmCount } });
      } catch (fault) {
        // A start that was cut off may have happened all the same: then it is done, not failed.
        const status = await client.getStatus(instanceId).catch(() => undefined);
        if (status === undefined) {
          throw fault;
        }
      }
    },
    async followPolicy(policyId, changeId) {
      const instanceId = changeInstance(changeId);
      await client.startNew(names.followPolicy, { instanceId, input: { policyId } });
    },
    async endWindows(requestId, vmIndex) {
      const instanceId = vmInstance(requestId, vmIndex);
      const status = await client.getStatus(instanceId).catch(() => undefined);
      if (status !== undefined) {
        await client.raiseEvent(instanceId, names.endNow, {});
      }
    },
  };
}
