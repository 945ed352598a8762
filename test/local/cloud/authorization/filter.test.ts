import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { parseFilter } from "../../../../local/cloud/authorization/filter.ts";

const SUPPORTED = ["atScope()", "assignedTo('')", "roleName eq ''"];

describe("a filter", () => {
  it("keeps any value whole, quotes and 'and' included", () => {
    const value = fc
      .array(fc.constantFrom("'", " and ", "atScope()", "x", " ", "é"), {
        minLength: 1,
        maxLength: 8,
      })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(value, value, (name, id) => {
        const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
        const filter = `roleName eq ${quoted(name)} and atScope() and assignedTo(${quoted(id)})`;
        expect([...parseFilter(filter, SUPPORTED)]).toEqual([
          ["rolename", name],
          ["atscope", ""],
          ["assignedto", id],
        ]);
      }),
    );
  });

  it("that is missing or blank keeps everything", () => {
    expect(parseFilter(undefined, SUPPORTED).size).toBe(0);
    expect(parseFilter("  ", SUPPORTED).size).toBe(0);
  });
});
