import { describe, expect, it } from "@jest/globals";
import {
  comparePrecedence,
  matchTemplate,
  parseTemplate,
  splitPath,
} from "../../../local/host/routes.ts";

const match = (template: string, path: string) =>
  matchTemplate(parseTemplate(template), splitPath(path));

describe("a route template", () => {
  it.each([
    ["literals whatever their case", "api/Policies", "/API/policies", {}],
    ["a path with a trailing slash", "api/policies", "/api/policies/", {}],
    ["the root", "/", "/", {}],
    ["a parameter, decoded", "vm/{name}", "/vm/a%20b%C3%A9", { name: "a bé" }],
    ["a parameter, in the case it was sent", "vm/{name}", "/VM/Linux", { name: "Linux" }],
    ["an encoded slash inside of one segment", "vm/{name}", "/vm/a%2Fb", { name: "a%2Fb" }],
    ["broken percent signs as they are", "vm/{name}", "/vm/100%", { name: "100%" }],
    ["an optional parameter that is there", "vm/{name?}", "/vm/x", { name: "x" }],
    ["an optional parameter that is not", "vm/{name?}", "/vm", {}],
    ["a default", "vm/{name=all}", "/vm", { name: "all" }],
    ["the rest of the path", "files/{*rest}", "/files/a/b/c", { rest: "a/b/c" }],
    ["no rest at all", "files/{*rest}", "/files", {}],
    [
      "a segment of several parts",
      "{name}.{kind}",
      "/open.api.json",
      { name: "open", kind: "api.json" },
    ],
    ["several constraints", "n/{id:int:range(1,9)}", "/n/7", { id: "7" }],
    ["a regex with braces and colons", "{d:regex(^\\d{{2}}:x$)}", "/12:x", { d: "12:x" }],
    ["a constraint on an optional parameter", "n/{id:int?}", "/n", {}],
  ])("matches %s", (_case, template, path, expected) => {
    expect(match(template, path)).toEqual(expected);
  });

  it.each([
    ["a longer path", "api/policies", "/api/policies/x"],
    ["a shorter path", "vm/{name}", "/vm"],
    ["an empty segment", "vm/{name}/x", "/vm//x"],
    ["an int that is none", "n/{id:int}", "/n/1x"],
    ["an int past 32 bits", "n/{id:int}", "/n/2147483648"],
    ["one of several constraints failing", "n/{id:int:range(1,9)}", "/n/10"],
    ["a guid that is none", "g/{id:guid}", "/g/123"],
    ["letters where alpha is asked", "a/{x:alpha}", "/a/a1"],
    ["a regex that fails", "{d:regex(^\\d{{2}}$)}", "/123"],
    ["a dot that is not a wildcard", "a.json", "/aXjson"],
  ])("does not match %s", (_case, template, path) => {
    expect(match(template, path)).toBeUndefined();
  });

  it.each([
    ["a/{b", "its braces do not pair"],
    ["a//b", "a segment is empty"],
    ["a/{*rest}/b", "a catch-all must come last"],
    ["a/{b?}/c", "an optional parameter must come last"],
    ["{a}{b}", "two parameters need a literal between them"],
    ["{a}/{A}", "a parameter appears twice"],
    ["{a:sort}", 'the constraint "sort" is unknown'],
    ["{a:regex([)}", 'the constraint "regex([)" is unknown'],
    ["{:int}", "has no usable parameter name"],
  ])("refuses %s: %s", (template, reason) => {
    expect(() => parseTemplate(template)).toThrow(reason);
  });
});

describe("the order of routes", () => {
  it("puts literals before constrained, free and catch-all parameters, segment by segment", () => {
    const templates = [
      "{*all}",
      "{a}/{b}",
      "{a:int}/x",
      "x/{*rest}",
      "x/{a}",
      "x/{a:int}",
      "x/y",
      "x",
    ];

    const sorted = templates.map(parseTemplate).sort(comparePrecedence);

    expect(sorted.map(({ text }) => text)).toEqual([
      "x",
      "x/y",
      "x/{a:int}",
      "x/{a}",
      "x/{*rest}",
      "{a:int}/x",
      "{a}/{b}",
      "{*all}",
    ]);
  });
});
