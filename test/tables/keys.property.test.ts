import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { dayStart, invertedDay, invertedTime } from "../../src/activity/row-keys.ts";
import { encodeId, encodeKey } from "../../src/tables/keys.ts";
import { policyId, vmId } from "../support/stored-samples.ts";

/** Texts that are alike enough to collide if anything does. */
const texts = fc.oneof(
  fc.string({
    unit: fc.constantFrom(
      "a",
      "A",
      "/",
      "!",
      "~",
      "|",
      "0",
      "1",
      "\\",
      "#",
      "?",
      "%",
      "\n",
      "é",
      "😀",
    ),
    maxLength: 12,
  }),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: fc.constantFrom("x", "/"), minLength: 380, maxLength: 420 }),
);

const times = fc.date({ noInvalidDate: true, min: new Date(0) });

describe("a key of a table's row", () => {
  it("is legal and short enough for Table Storage, whatever it is made from", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const key = encodeKey(text);

        expect(key).toMatch(/^[\w.()!~-]*$/);
        expect(key.length).toBeLessThanOrEqual(400);
      }),
    );
  });

  it("differs for different texts", () => {
    fc.assert(
      fc.property(texts, texts, (one, other) => {
        expect(encodeKey(one) === encodeKey(other)).toBe(one === other);
      }),
    );
  });

  it("differs for long ids that begin alike", () => {
    const long = "a".repeat(500);

    expect(encodeKey(`${long}1`)).not.toBe(encodeKey(`${long}2`));
  });

  it("is the same for an id in any case", () => {
    expect(encodeId(vmId("Web1").toUpperCase())).toBe(encodeId(vmId("web1")));
  });

  it("sorts ids segment by segment", () => {
    const ids = ["a", "a-b", "a.b", "a_b", "ab", "b"].map((name) => policyId(name));

    expect([...ids].reverse().map(encodeId).sort()).toEqual(ids.map(encodeId));
    expect(encodeId("/groups/a/z") < encodeId("/groups/a-b/a")).toBe(true);
  });

  it("of a time sorts the newest first", () => {
    fc.assert(
      fc.property(times, times, (one, other) => {
        const [early, late] = one <= other ? [one, other] : [other, one];

        expect(invertedTime(late) < invertedTime(early)).toBe(late > early);
        expect(invertedDay(late) <= invertedDay(early)).toBe(true);
      }),
    );
  });

  it("of a day says when the day begins", () => {
    expect(dayStart(invertedDay("2026-01-31T23:59:59.999Z"))).toBe(Date.UTC(2026, 0, 31));
  });

  it("is not made of what is no time", () => {
    expect(() => invertedTime("soon")).toThrow(RangeError);
  });
});
