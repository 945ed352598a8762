import { describe, expect, it } from "@jest/globals";
import { transactionsOf } from "../../src/tables/transactions.ts";

const rows = (count: number, columns: object = {}) =>
  Array.from({ length: count }, (_, index) => ({
    partitionKey: "p",
    rowKey: String(index),
    ...columns,
  }));

const sizes = (groups: readonly (readonly unknown[])[]) => groups.map((group) => group.length);

describe("rows that are written together", () => {
  it("go 100 at a time, each once and in their order", () => {
    const groups = transactionsOf(rows(250));

    expect(sizes(groups)).toEqual([100, 100, 50]);
    expect(groups.flat()).toEqual(rows(250));
  });

  it.each([
    ["text", { body: "x".repeat(100_000) }],
    ["text that takes escapes", { body: '"'.repeat(50_000) }],
    ["bytes, which are sent as text", { body: new Uint8Array(75_000) }],
    ["bytes in several columns", { body0: new Uint8Array(60_000), body1: new Uint8Array(15_000) }],
  ])("go fewer at a time where their %s is long: 4 MiB is the most", (_case, columns) => {
    expect(sizes(transactionsOf(rows(70, columns)))).toEqual([30, 30, 10]);
  });

  it("go alone where one is larger than all may be: Azure decides about it", () => {
    expect(sizes(transactionsOf(rows(2, { body: "x".repeat(5_000_000) })))).toEqual([1, 1]);
  });

  it("are none for none", () => {
    expect(transactionsOf([])).toEqual([]);
  });
});
