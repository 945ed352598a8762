import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { columns } from "../../src/activity/columns.ts";
import type { Fact } from "../../src/activity/fact.ts";
import { csvHead, csvLine, harmless } from "../../src/http/activity-csv.ts";
import { aFact, afterNoon, requestId } from "../support/builders.ts";
import { people } from "../support/front-door.ts";
import { propertyRuns } from "../support/property-runs.ts";

/** A reader of RFC 4180 of its own, which knows nothing of how the file was written. */
function read(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let rest = text;
  let row: string[] = [];
  while (rest !== "") {
    const [whole, quoted, plain, end] =
      /^(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/.exec(rest) ?? [];
    if (whole === undefined) {
      throw new Error(`No RFC 4180 from here: ${rest.slice(0, 80)}`);
    }
    row.push(quoted?.replaceAll('""', '"') ?? plain ?? "");
    if (end === "\r\n") {
      rows.push(row);
      row = [];
    }
    rest = rest.slice(whole.length);
  }
  return rows;
}

const cell = (fact: Fact, name: string) => {
  const [row = []] = read(csvLine({ fact }));
  return row[columns.findIndex(([column]) => column === name)];
};

describe("the CSV of the activity", () => {
  it("begins with a byte order mark, without which Excel spoils names, and with the columns", () => {
    const [names] = read(csvHead.slice(1));

    expect(csvHead.charCodeAt(0)).toBe(0xfeff);
    expect(names?.slice(0, 5)).toEqual(["time", "operation", "outcome", "actor", "actorId"]);
    expect(new Set(names).size).toBe(columns.length);
  });

  it("tells a fact in a line", () => {
    const fact = aFact({
      requestId,
      actor: { ...people.alice, application: "04b07795-8ddb-461a-bbee-02f9e1bf7b46" },
      origin: { address: "203.0.113.7", callId: "call" },
      port: 22,
      sources: ["203.0.113.7", "2001:db8::/64"],
      gates: [
        { id: "/nsg/1", rules: ["a", "b"] },
        { id: "/nsg/2", rules: ["c"] },
      ],
      reasons: [{ code: "GateFull", message: "No place." }],
      changes: [{ path: "a" }, { path: "b" }],
      breakGlass: true,
    });
    const position = { chain: "2030-01/vm|x", sequence: 7, hash: "0".repeat(64) };

    const [row = []] = read(csvLine({ fact, position }));
    const told = Object.fromEntries(columns.map(([name], index) => [name, row[index]]));

    expect(told).toMatchObject({
      time: afterNoon(-60),
      actor: people.alice.name,
      application: "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
      address: "203.0.113.7",
      resourceGroup: "shop",
      vm: "web-1",
      port: "22",
      sources: "203.0.113.7; 2001:db8::/64",
      gates: "/nsg/1; /nsg/2",
      rules: "a; b; c",
      reasons: "GateFull: No place.",
      changes: "2",
      breakGlass: "true",
      comment: "",
      chain: "2030-01/vm|x",
      sequence: "7",
    });
  });

  it.each([
    ["=1+1", "'=1+1"],
    ["+49 30 1234", "'+49 30 1234"],
    ["-2", "'-2"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["＝1", "'＝1"],
    ["＋1", "'＋1"],
    ["－1", "'－1"],
    ["＠x", "'＠x"],
    ["\t=1", "'\t'=1"],
    ["\r=1", "'\r'=1"],
    ["  =1", "  '=1"],
    ["\u00a0=1", "\u00a0'=1"],
    ["\u200b\ufeff=1", "\u200b\ufeff'=1"],
    ["\u0000=1", "\u0000'=1"],
    ["first\n=1", "first\n'=1"],
    ["first;=1", "first;'=1"],
    ["first\t@x", "first\t'@x"],
    ["'=1", "'=1"],
    ["a=b, c-d; e+f", "a=b, c-d; e+f"],
    ["INC-4711", "INC-4711"],
    ['x;"=1+1', `x;"'=1+1`],
    ['x\n" "@SUM(A1)', `x\n" "'@SUM(A1)`],
  ])("lets no spreadsheet take %j for a formula", (text, shown) => {
    expect(cell(aFact({ justification: text }), "justification")).toBe(shown);
  });

  it("takes no longer for texts made to be slow", () => {
    const text = `${"\t ".repeat(15_000)}=`;

    expect(harmless(text)).toHaveLength(text.length + 1);
  });

  it("tells how much is missing of a text that no cell could hold", () => {
    const told = cell(aFact({ justification: "x".repeat(40_000) }), "justification") ?? "";

    expect(told.length).toBeLessThan(32_767);
    expect(told).toMatch(/x… 8000 more characters$/);
  });

  it("holds any text whole, whatever is in it, and begins no cell with a formula", () => {
    const texts = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 40 }),
      fc.string({
        unit: fc.constantFrom(..."=+-@＝－\t\r\n\"',; a", "\u0000", "\ufeff"),
        maxLength: 12,
      }),
    );
    fc.assert(
      fc.property(texts, texts, (justification, comment) => {
        const fact = aFact({ justification, comment });
        const shown = ["justification", "comment"].map((name) => cell(fact, name) ?? "");

        expect(shown.map((one) => one.replaceAll("'", ""))).toEqual(
          [justification, comment].map((one) => one.replaceAll("'", "")),
        );
        expect(shown.filter((one) => /^[\s\p{C}]*[=+\-@＝＋－＠]/u.test(one))).toEqual([]);
      }),
      propertyRuns,
    );
  });
});
