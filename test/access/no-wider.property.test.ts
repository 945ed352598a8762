import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { isNoWider } from "../../src/access/source-rules.ts";

const address = fc
  .tuple(fc.integer({ min: 1, max: 223 }), fc.nat(255), fc.nat(255))
  .map((parts) => `${parts.join(".")}.0`);
const range = fc
  .tuple(address, fc.integer({ min: 24, max: 32 }))
  .map(([at, length]) => `${at}/${length}`);
const widthOf = (text: string) => 2 ** (32 - Number(text.split("/")[1]));

describe("a source that an approval is carried to", () => {
  it("is never wider than the widest that was agreed to, nor one of more", () => {
    fc.assert(
      fc.property(
        fc.array(range, { minLength: 1, maxLength: 3 }),
        fc.array(range, { minLength: 1, maxLength: 3 }),
        (asked, agreed) => {
          const most = Math.max(...agreed.map(widthOf));
          return (
            !isNoWider(asked, agreed) ||
            (asked.length <= agreed.length && asked.every((one) => widthOf(one) <= most))
          );
        },
      ),
    );
  });

  it.each([
    [["203.0.113.9"], ["203.0.113.7"], true],
    [["2001:db8::9"], ["203.0.113.7"], true],
    [["2001:db8::/64"], ["203.0.113.7"], false],
    [["203.0.113.0/24"], ["203.0.113.7"], false],
    [["*"], ["203.0.113.7"], false],
    [["203.0.113.7"], ["*"], true],
    [["203.0.113.0/25", "203.0.113.128/25"], ["198.51.100.0/25", "198.51.101.0/25"], false],
  ])("%j instead of %j: %s", (asked, agreed, expected) => {
    expect(isNoWider(asked, agreed)).toBe(expected);
  });
});
