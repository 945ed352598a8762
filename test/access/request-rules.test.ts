import { describe, expect, it } from "@jest/globals";
import { type RuledRequest, requestRuleFaults } from "../../src/access/request-rules.ts";
import type { AccessRules } from "../../src/policy/access-rules.ts";

const codes = (rules: AccessRules | undefined, request: Partial<RuledRequest> = {}) =>
  requestRuleFaults(rules, { isBreakGlass: false, windows: [], ...request }).map(
    ({ code, target }) => `${code} ${target}`,
  );
const required = "JustificationRequired justification";
const notMatching = "JustificationNotMatching justification";

describe("the justification of a request", () => {
  it.each<[string, AccessRules | undefined, string | undefined, readonly string[]]>([
    ["nothing where no rule asks", undefined, undefined, []],
    ["nothing where it may be left out", { justification: { required: false } }, undefined, []],
    ["nothing where it is required", { justification: { required: true } }, undefined, [required]],
    [
      "blanks where it is required",
      { justification: { required: true } },
      " \n\t\u00a0\u200b",
      [required],
    ],
    ["something where it is required", { justification: { required: true } }, "x", []],
    ["nothing beside a pattern", { justification: { required: false, pattern: "INC" } }, "", []],
    [
      "something else beside a pattern",
      { justification: { required: false, pattern: "INC-\\d+" } },
      "because",
      [notMatching],
    ],
    [
      "a ticket among other words",
      { justification: { required: true, pattern: "\\bINC-\\d{4,}\\b" } },
      "see INC-4711, disk full",
      [],
    ],
    [
      "a ticket that is too short",
      { justification: { required: true, pattern: "\\bINC-\\d{4,}\\b" } },
      "see INC-47",
      [notMatching],
    ],
    [
      "more than a ticket where the pattern is anchored",
      { justification: { required: true, pattern: "^INC-\\d+$" } },
      "INC-4711 disk full",
      [notMatching],
    ],
    [
      "anything where the stored pattern cannot be read any more",
      { justification: { required: true, pattern: "(" } },
      "INC-4711",
      [notMatching],
    ],
  ])("may say %s, or is refused", (_case, rules, justification, expected) => {
    expect(codes(rules, { justification })).toEqual(expected);
  });

  it("that does not fit is answered with the policy's hint", () => {
    const rules = { justification: { required: true, pattern: "INC", hint: "Give a ticket." } };

    for (const justification of ["because", undefined]) {
      expect(
        requestRuleFaults(rules, { justification, isBreakGlass: false, windows: [] }),
      ).toMatchObject([{ message: expect.stringContaining("Give a ticket.") }]);
    }
  });

  it.each<[string, string | undefined, readonly string[]]>([
    ["nothing", undefined, [required]],
    ["nine letters and blanks", "  a b c d e f g h i  ", [required]],
    ["nine letters and what cannot be seen", "abcdefghi\u200b\u2060", [required]],
    ["five of what takes two code units each", "💥".repeat(5), [required]],
    ["ten letters", "a b c d e f g h i j", []],
    ["a sentence without the ticket the pattern asks for", "production is down", []],
  ])("of a break-glass request always says why: %s", (_case, justification, expected) => {
    const patterned: AccessRules = { justification: { required: false, pattern: "INC-\\d+" } };

    for (const rules of [undefined, {}, patterned]) {
      expect(codes(rules, { justification, isBreakGlass: true })).toEqual(expected);
    }
  });
});

describe("a request", () => {
  it("is refused for every reason at once, also when it is a break-glass one", () => {
    const rules: AccessRules = {
      justification: { required: true },
      sources: { anyAllowed: false, widestIpv4PrefixLength: 24 },
    };
    const windows = [
      { sources: ["*"], target: "a" },
      { sources: ["203.0.113.0/24"], target: "b" },
      { sources: ["10.0.0.0/8"], target: "c" },
    ];

    for (const isBreakGlass of [false, true]) {
      expect(codes(rules, { isBreakGlass, windows })).toEqual([
        required,
        "AnySourceNotAllowed a",
        "SourceTooWide a",
        "SourceTooWide c",
      ]);
    }
  });
});
