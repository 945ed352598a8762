import { odata } from "@azure/data-tables";
import type { AnchorKeeper, KeptAnchor } from "../activity/anchor.ts";
import type { Drop, DropStore } from "../activity/dropped.ts";
import type { Tables } from "./client.ts";
import { packBody, unpackBody } from "./codec.ts";
import { alreadyExists, isTableGone, unlessMissing } from "./etag.ts";
import { encodeKey } from "./keys.ts";
import { firstRows, type Row } from "./paging.ts";

const anchors = "anchors";
const drops = "drops";

/** Rows sort the newest first. */
const mostAnchors = 9_999_999_999;

/** Anchors, a row each, of which none is ever changed. */
export function createAnchorStore(tables: Tables): AnchorKeeper {
  /** Who may only read finds no table where nothing was ever kept. */
  async function rowsWith(condition: string, count: number): Promise<readonly Row[]> {
    try {
      const filter = `${odata`PartitionKey eq ${anchors}`}${condition}`;
      return await firstRows(await tables.anchors(), [filter], count);
    } catch (error) {
      if (isTableGone(error)) {
        return [];
      }
      throw error;
    }
  }

  return {
    async put({ sequence, at, text }) {
      const client = await tables.anchors();
      try {
        await client.createEntity({
          partitionKey: anchors,
          rowKey: keyOf(sequence),
          sequence,
          at,
          ...packBody(text),
        });
        return true;
      } catch (error) {
        if (alreadyExists(error)) {
          return false;
        }
        throw error;
      }
    },

    async newest() {
      const [row] = await rowsWith("", 1);
      return row && anchorOf(row);
    },

    async numbers() {
      const rows = await rowsWith("", Number.POSITIVE_INFINITY);
      return new Set(rows.map((row) => Number(row["sequence"])));
    },

    async *since(moment) {
      const younger = await rowsWith(
        ` and ${odata`at ge ${moment.toISOString()}`}`,
        Number.POSITIVE_INFINITY,
      );
      const first = Math.min(...younger.map((row) => Number(row["sequence"])));
      const from = Number.isFinite(first) ? first - 1 : (await this.newest())?.sequence;
      const rows = await rowsWith(
        ` and ${odata`RowKey le ${keyOf(from ?? 0)}`}`,
        Number.POSITIVE_INFINITY,
      );
      yield* rows.toReversed().map(anchorOf);
    },
  };
}

/** Drops of months that were begun, beside the anchors. */
export function createDropStore(tables: Tables): DropStore {
  return {
    async begin(drop) {
      const client = await tables.anchors();
      try {
        const rowKey = encodeKey(drop.month);
        await client.createEntity({ partitionKey: drops, rowKey, ...packBody(drop) });
      } catch (error) {
        if (!alreadyExists(error)) {
          throw error;
        }
      }
    },

    async unfinished() {
      const filter = odata`PartitionKey eq ${drops}`;
      const rows = await firstRows(await tables.anchors(), [filter], Number.POSITIVE_INFINITY);
      return rows.map((row) => unpackBody<Drop>(row));
    },

    async end(month) {
      const client = await tables.anchors();
      await unlessMissing(client.deleteEntity(drops, encodeKey(month)));
    },
  };
}

function keyOf(sequence: number): string {
  return String(mostAnchors - sequence).padStart(10, "0");
}

/** NB. What somebody made of a row is told, never thrown: whoever verifies finds it. */
function anchorOf(row: Row): KeptAnchor {
  return { sequence: Number(row["sequence"]), at: String(row["at"]), text: textOf(row) };
}

function textOf(row: Row): string {
  try {
    return String(unpackBody<unknown>(row));
  } catch {
    return "";
  }
}
