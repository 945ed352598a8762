import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { deepestJson, parseJson } from "../../src/http/json.ts";
import { propertyRuns } from "../support/property-runs.ts";

const refusedWith = (text: string) => {
  const outcome = parseJson(text);
  return outcome.outcome === "refused"
    ? outcome.reasons.map(({ code, target }) => [code, target])
    : [];
};
const asRefused = [["InvalidRequestContent", "body"]];
const nested = (depth: number, open = "[", close = "]") => open.repeat(depth) + close.repeat(depth);

describe("JSON from outside", () => {
  it("is read as it stands, whatever it holds", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        fc.pre(!text.includes("__proto__"));
        expect(parseJson(text)).toEqual({ outcome: "ok", value: JSON.parse(text) });
      }),
      propertyRuns,
    );
  });

  it("may be nested 64 deep and no deeper, however it is nested", () => {
    expect(parseJson(nested(deepestJson)).outcome).toBe("ok");
    expect(refusedWith(nested(deepestJson + 1))).toEqual(asRefused);
    expect(refusedWith(nested(65, '{"a":['.slice(0, 5), "}"))).toEqual(asRefused);
    expect(refusedWith("[".repeat(4_000_000))).toEqual(asRefused);
  });

  it("is not taken for deep because of brackets in its strings", () => {
    for (const string of [
      "[".repeat(100),
      '\\"[['.repeat(50),
      `\\\\${"{".repeat(70)}`,
      '"\\'.repeat(70),
    ]) {
      const text = JSON.stringify({ a: string, b: [string] });
      expect(parseJson(text)).toEqual({ outcome: "ok", value: JSON.parse(text) });
    }
  });

  it("that is hard to scan takes no longer than any other", () => {
    const startedAt = performance.now();
    for (const part of ["\\", '\\"', '"', '"\\', "[]", "é"]) {
      parseJson(`"${part.repeat(1_000_000)}`);
    }

    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  it.each([
    ["at the top", '{"__proto__":{"isAdmin":true}}'],
    ["deep inside", '{"properties":{"virtualMachines":[{"__proto__":{"id":"x"}}]}}'],
    ["with escapes", '{"\\u005f\\u005fproto__":{}}'],
    ["with all escapes", '{"\\u005F\\u005F\\u0070\\u0072\\u006F\\u0074\\u006f\\u005f\\u005F":1}'],
    ["beside a good one", '{"a":1,"__proto__":null,"b":2}'],
  ])("with a member __proto__ %s is refused", (_case, text) => {
    expect(refusedWith(text)).toEqual(asRefused);
  });

  it("changes nothing that other objects inherit", () => {
    const text = '{"constructor":{"prototype":{"polluted":1}},"prototype":{"polluted":1}}';
    const outcome = parseJson(text);

    expect(outcome.outcome).toBe("ok");
    const copied = outcome.outcome === "ok" ? { ...(outcome.value as object) } : {};
    expect(Object.getPrototypeOf(copied)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it("may say __proto__ where it is a text", () => {
    expect(parseJson('{"justification":"__proto__"}').outcome).toBe("ok");
  });

  it("means the last of several members of one name", () => {
    expect(parseJson('{"a":1,"a":2}')).toEqual({ outcome: "ok", value: { a: 2 } });
  });
});
