import type { TableEntity } from "@azure/data-tables";
import type { Fact } from "../activity/fact.ts";
import { chainName, chainParts, placesOf } from "../activity/places.ts";
import type { ChainHead, ChainPosition, ChainRow } from "../activity/store.ts";
import { asciiJson, packText, unpackText } from "./codec.ts";
import { columnsOf, saysTheSame } from "./fact-columns.ts";
import { sha256 } from "./keys.ts";
import type { Row } from "./paging.ts";

/** The row at the end of a chain; its key sorts before all facts. */
export const headRowKey = "!head";

/** A fact's row in one chain, without its place in the order there. */
export interface NewRow extends TableEntity {
  readonly chain: string;
}

/** The rows of a fact, one for each chain that holds it. */
export function rowsOf(fact: Fact): readonly NewRow[] {
  const columns = { ...packText(asciiJson(fact)), ...columnsOf(fact) };
  return placesOf(fact, sha256).map(({ chain, rowKey }) => ({
    chain,
    partitionKey: chainParts(chain).partition,
    rowKey,
    ...columns,
  }));
}

/** Where a row stands in its chain. */
export function positionOf(month: string, row: Row): ChainPosition {
  return {
    chain: chainName(month, row.partitionKey ?? ""),
    sequence: Number(row["seq"]),
    hash: String(row["hash"]),
  };
}

/** A row of a chain as those who verify look at it: its head, or a fact. Never throws, whatever was done to the row. */
export function chainRowOf(
  month: string,
  row: Row,
): { readonly head: ChainHead } | { readonly row: ChainRow } {
  const position = positionOf(month, row);
  return row.rowKey === headRowKey
    ? { head: position }
    : {
        row: {
          ...position,
          rowKey: row.rowKey ?? "",
          previous: String(row["prev"]),
          text: textOf(row),
        },
      };
}

/**
 * The fact's text. NB. Columns are not hashed, and one that says something else than the fact would hide it from whoever asks with a
 * filter: such a row has no text here, so that it counts as altered, and so has one that cannot be read.
 */
function textOf(row: Row): string {
  try {
    const text = unpackText(row);
    return saysTheSame(row, JSON.parse(text) as Fact) ? text : "";
  } catch {
    return "";
  }
}
