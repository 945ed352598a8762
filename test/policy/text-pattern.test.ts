import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { isPattern, readPattern } from "../../src/policy/text-pattern.ts";
import { propertyRuns } from "../support/property-runs.ts";

const isIn = (pattern: string, text: string) => {
  const read = readPattern(pattern);
  return isPattern(read) ? read.isIn(text) : read.fault;
};

describe("a pattern of a policy", () => {
  it.each<[string, string, boolean]>([
    ["INC-\\d+", "see INC-4711", true],
    ["INC-\\d+", "see inc-4711", false],
    ["(?i)inc-\\d+", "see INC-4711", true],
    ["^CHG\\d{7}$", "CHG0012345", true],
    ["^CHG\\d{7}$", "CHG0012345 and more", false],
    ["^(INC|CHG)-[0-9]{4,8}\\b", "CHG-12345: disk", true],
    ["^\\p{Lu}", "Übung", true],
    ["^.{3}$", "💥💥💥", true],
  ])("%s is searched for in %s", (pattern, text, expected) => {
    expect(isIn(pattern, text)).toBe(expected);
  });

  it.each([
    "",
    "x".repeat(201),
    "(",
    "a(?=b)",
    "a(?<!b)",
    "(a)\\1",
    ".{600}.{600}",
    "(a{100}){100}",
  ])("%s is refused with a reason", (pattern) => {
    expect(readPattern(pattern)).toEqual({ fault: expect.any(String) });
  });

  // Every one of them keeps a backtracking engine busy for ages, or is as large as a pattern may be.
  const texts = ["a".repeat(2_000), "ab".repeat(1_000), "é".repeat(2_000), "💥".repeat(1_000)];

  it.each([
    "(a+)+$",
    "^(a|a)*c",
    "^(a|aa)+$",
    "(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)[^ab]$",
    "(?:a?){200}a{200}c",
    "(a|b)*a(a|b){100}c",
    "(?i)(?:\\pL|a|b){0,300}c",
    ".{900}[^a-z]",
    "(?:(?:(?:a*)*)*)*c",
  ])("%s does not hold up the service, whatever the text", (pattern) => {
    expect(isPattern(readPattern(pattern))).toBe(true);
    for (const text of texts) {
      const before = process.cpuUsage();

      isIn(pattern, text);

      const { user, system } = process.cpuUsage(before);
      expect((user + system) / 1_000).toBeLessThan(500);
    }
  });

  it("is taken or refused, and never throws, whatever it is", () => {
    const pieces = fc.constantFrom(
      ...("ab()[]{}*+?|^$\\.-,12dwspLP:=!<>i💥\n".match(/./gsu) ?? []),
    );
    const patterns = fc.oneof(
      fc.array(pieces, { maxLength: 40 }).map((list) => list.join("")),
      fc.string({ unit: "binary", maxLength: 40 }),
    );

    fc.assert(
      fc.property(patterns, fc.string({ unit: "binary", maxLength: 200 }), (pattern, text) => {
        expect(["boolean", "string"]).toContain(typeof isIn(pattern, text));
      }),
      propertyRuns,
    );
  });

  it("means what it means to everybody else, as far as simple patterns go", () => {
    const { pattern } = fc.letrec((tie) => ({
      pattern: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom("a", "b", "[ab]", "[^a]", ".", "\\d", "\\w", "1"),
        fc.tuple(tie("pattern"), tie("pattern")).map(([left, right]) => `${left}${right}`),
        fc.tuple(tie("pattern"), tie("pattern")).map(([left, right]) => `(?:${left}|${right})`),
        fc
          .tuple(tie("pattern"), fc.constantFrom("*", "+", "?", "{2}", "{1,2}", "{2,}"))
          .map(([inner, times]) => `(?:${inner})${times}`),
        tie("pattern").map((inner) => `^${inner}$`),
      ),
    }));
    const short = pattern.map(String).filter((text) => text.length <= 60);

    fc.assert(
      fc.property(
        short,
        fc
          .array(fc.constantFrom("a", "b", "1", " "), { maxLength: 8 })
          .map((list) => list.join("")),
        (source, text) => {
          expect(isIn(source, text)).toBe(new RegExp(source, "u").test(text));
        },
      ),
      propertyRuns,
    );
  });
});
