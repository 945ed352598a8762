import { randomBytes } from "node:crypto";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { BodyTooLarge, packBody, unpackBody } from "../../src/tables/codec.ts";

describe("a body in a table's row", () => {
  it("comes back as it was, short or long", () => {
    const long = fc.string({ unit: "grapheme", minLength: 0, maxLength: 300 });
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(long, { maxLength: 200 }), (value, texts) => {
        const body = { value: JSON.parse(JSON.stringify(value)), texts };

        expect(unpackBody(packBody(body))).toEqual(body);
      }),
      { numRuns: 60 },
    );
  });

  it("keeps every property within 64 KiB, as Table Storage demands", () => {
    const bodies = [10, 15_900, 16_100, 200_000, 900_000].map((length) =>
      randomBytes(Math.ceil((length * 3) / 4)).toString("base64"),
    );

    for (const body of bodies) {
      const properties = packBody(body);
      for (const property of Object.values(properties)) {
        const bytes = typeof property === "string" ? property.length * 2 : property.length;
        expect(bytes).toBeLessThanOrEqual(64 * 1024);
      }
      expect(unpackBody(properties)).toBe(body);
    }
  });

  it("stays readable text when it is short", () => {
    expect(packBody({ port: 22 })).toEqual({ body: '{"port":22}' });
  });

  it("is refused when it does not fit one row even when compressed", () => {
    const tooMuch = randomBytes(1_500_000).toString("base64");

    expect(() => packBody(tooMuch)).toThrow(BodyTooLarge);
  });
});
