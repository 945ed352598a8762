import { describe, expect, it } from "@jest/globals";
import { parsePrefix } from "../../src/rules/cidr.ts";

describe("a source that is no address", () => {
  it.each([
    ["10.1", "10.1.0.0/16"],
    ["10.1.", "10.1.0.0/16"],
    ["192.168.1", "192.168.1.0/24"],
    ["10.1/16", "10.1.0.0/16"],
    ["010.0.0.1", "10.0.0.1"],
    ["203.000.113.007", "203.0.113.7"],
    ["10.010.0.0/16", "10.10.0.0/16"],
    ["10.1.2.3/24", "10.1.2.0/24 or 10.1.2.3"],
  ])("as %s gets the question whether %s was meant", (text, meant) => {
    expect(parsePrefix(text)).toEqual({
      fault: expect.stringContaining(`; did you mean ${meant}?`),
    });
  });

  it.each(["10", "10.300", "203.0.113.300", "1.2.3.4.5", "10.1/8", "10.1/40", "office", ""])(
    "as '%s' gets no guess",
    (text) => {
      expect(parsePrefix(text)).toEqual({ fault: expect.not.stringContaining("did you mean") });
    },
  );
});

describe("an address that was read before", () => {
  it("is read the same again, however many others were read meanwhile", () => {
    const texts = Array.from({ length: 9_000 }, (_, index) => `10.${index % 250}.${index >> 8}.7`);
    const first = texts.map(parsePrefix);

    expect(texts.map(parsePrefix)).toEqual(first);
    expect(first[8_999]).toEqual({ family: 4, bits: 0x0af92307n, length: 32, text: "10.249.35.7" });
  });
});
