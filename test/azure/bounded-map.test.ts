import { describe, expect, it } from "@jest/globals";
import { createBoundedMap } from "../../src/azure/bounded-map.ts";

describe("a bounded map", () => {
  it("forgets what was not used for longest", () => {
    const map = createBoundedMap<number>(2);
    map.set("a", 1);
    map.set("b", 2);
    map.get("a");

    map.set("c", 3);

    expect(["a", "b", "c"].map((key) => map.get(key))).toEqual([1, undefined, 3]);
  });

  it("forgets an entry on request only if nobody replaced it", () => {
    const map = createBoundedMap<object>(2);
    const [first, second] = [{}, {}];
    map.set("a", second);

    map.forget("a", first);

    expect(map.get("a")).toBe(second);
  });
});
