import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { factKinds } from "../../src/activity/kinds.ts";
import { factSchemas, parseFact } from "../../src/activity/schema.ts";
import { alice, aPolicy } from "../support/builders.ts";
import { aWindowFact } from "../support/notifications.ts";

const operations = Object.keys(factKinds);
const opened = { ...aWindowFact(), requestor: alice };
const refused = {
  ...{ version: 1, id: "call.refused.0", at: opened.at, subscriptionId: opened.subscriptionId },
  ...{ operation: "access.initiate", outcome: "refused", policyId: aPolicy().id, actor: alice },
  reasons: [{ code: "GateFull", message: "No place is left." }],
};

/** The rows of the table of operations in docs/activity.md, by operation. */
const documented = new Map(
  readFileSync(new URL("../../docs/activity.md", import.meta.url), "utf8")
    .split("\n")
    .map((line) => [/^\| `([\w.]+)` \|/.exec(line)?.[1] ?? "", line] as const),
);

describe("the catalogue of facts", () => {
  it("has a form for every operation", () => {
    expect(Object.keys(factSchemas)).toEqual(operations);
  });

  it.each(Object.entries(factKinds))("is written down in docs/activity.md: %s", (name, kind) => {
    const row = documented.get(name) ?? "";

    for (const word of [...kind.outcomes, ...kind.always, ...kind.sometimes]) {
      expect(row).toContain(`\`${word}\``);
    }
    expect(row.includes("`refused`")).toBe(
      kind.isRefusable === true || kind.outcomes.includes("refused"),
    );
  });

  it("takes a fact that tells all that its operation tells", () => {
    expect(parseFact(opened)).toEqual(opened);
    expect(parseFact(refused)).toEqual(refused);
  });

  it.each([
    ["that leaves out whose window it is", { ...opened, requestor: undefined }],
    ["with a field that its operation does not have", { ...opened, times: 3 }],
    ["with a field that nobody knows", { ...opened, mood: "good" }],
    ["of another version", { ...opened, version: 2 }],
    ["with an outcome that its operation does not have", { ...opened, outcome: "refused" }],
    ["of an operation that there is not", { ...opened, operation: "access.steal" }],
    ["with an id that is no name of a fact", { ...opened, id: "a/b" }],
    ["with a time that is none", { ...opened, at: "yesterday" }],
    ["of a refusal without a reason", { ...refused, reasons: undefined }],
  ])("refuses a fact %s", (_case, fact) => {
    expect(() => parseFact(fact)).toThrow();
  });
});
