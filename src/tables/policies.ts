import { odata, type TableEntity } from "@azure/data-tables";
import type { Policy } from "../policy/policy.ts";
import { subscriptionOf } from "../policy/resource-id.ts";
import type { PolicyStore, Stored } from "../ports.ts";
import type { Tables } from "./client.ts";
import { packBody, unpackBody } from "./codec.ts";
import { alreadyExists, changedMeanwhile, isMissing, unlessMissing } from "./etag.ts";
import { encodeId, encodeKey } from "./keys.ts";
import { firstRows, readContinuation, writeContinuation } from "./paging.ts";

/** Policies: one row each, in the partition of the subscription. */
export function createPolicyStore(tables: Tables): PolicyStore {
  return {
    async get(policyId) {
      const { partitionKey, rowKey } = keysOf(policyId);
      const client = await tables.policies();
      const row = await unlessMissing(client.getEntity(partitionKey, rowKey));
      return row && { value: unpackBody<Policy>(row), etag: row.etag };
    },

    async list(subscriptionId, { continuation, top }) {
      const partition = odata`PartitionKey eq ${partitionOf(subscriptionId)}`;
      const [after] =
        continuation === undefined ? [] : readContinuation(continuation, [/^![\w!.()~-]+$/]);
      const filter =
        after === undefined ? partition : `${partition} and ${odata`RowKey gt ${after}`}`;
      const rows = await firstRows(await tables.policies(), [filter], top + 1);
      const items = rows.slice(0, top);
      const last = items.at(-1)?.rowKey;
      return {
        items: items.map((row) => unpackBody<Policy>(row)),
        ...(rows.length > top && last !== undefined
          ? { continuation: writeContinuation([last]) }
          : {}),
      };
    },

    async put(policy, etag): Promise<Stored<Policy> | undefined> {
      const client = await tables.policies();
      const row: TableEntity = {
        ...keysOf(policy.id),
        state: policy.state,
        ...packBody(policy),
      };
      try {
        const answer =
          etag === undefined
            ? await client.createEntity(row)
            : await client.updateEntity(row, "Replace", { etag });
        return { value: policy, etag: answer.etag ?? "" };
      } catch (error) {
        if (alreadyExists(error) || changedMeanwhile(error) || isMissing(error)) {
          return undefined;
        }
        throw error;
      }
    },

    async remove(policyId, etag) {
      const { partitionKey, rowKey } = keysOf(policyId);
      const client = await tables.policies();
      try {
        await client.deleteEntity(partitionKey, rowKey, { etag });
        return true;
      } catch (error) {
        if (isMissing(error)) {
          return true;
        }
        if (changedMeanwhile(error)) {
          return false;
        }
        throw error;
      }
    },

    async all() {
      const everything = odata`PartitionKey ge ${""}`;
      const rows = await firstRows(await tables.policies(), [everything], Number.POSITIVE_INFINITY);
      return rows.map((row) => unpackBody<Policy>(row));
    },

    async unsettled() {
      const filter = odata`state ne ${"settled"}`;
      const rows = await firstRows(await tables.policies(), [filter], Number.POSITIVE_INFINITY);
      return rows.map((row) => unpackBody<Policy>(row));
    },
  };
}

function keysOf(policyId: string): { readonly partitionKey: string; readonly rowKey: string } {
  return { partitionKey: partitionOf(subscriptionOf(policyId) ?? ""), rowKey: encodeId(policyId) };
}

function partitionOf(subscriptionId: string): string {
  return encodeKey(subscriptionId.toLowerCase());
}
