import { describe, expect, it } from "@jest/globals";
import { portListIncludes, portListTouches } from "../../src/rules/ports.ts";

describe("the ports of a security rule", () => {
  it.each<[readonly string[], number, boolean]>([
    [["22"], 22, true],
    [["22"], 23, false],
    [["*"], 0, true],
    [["20-22"], 20, true],
    [["20-22"], 22, true],
    [["20-22"], 19, false],
    [["443", "8000-9000"], 8_080, true],
    [["0-65535"], 65_535, true],
    [[" 22 "], 22, true],
    [[], 22, false],
    [["ssh"], 22, true],
    [["22-"], 23, true],
  ])("%j speak about port %i: %s", (list, port, expected) => {
    expect(portListIncludes(list, port)).toBe(expected);
  });

  it("touch a set of ports by any of them", () => {
    expect(portListTouches(["20-30"], [3389, 22])).toBe(true);
    expect(portListTouches(["20-30"], [3389, 5985])).toBe(false);
  });
});
