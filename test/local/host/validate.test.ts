import { describe, expect, it } from "@jest/globals";
import type { Binding, RegisteredFunction } from "../../../local/host/app.ts";
import { findProblems } from "../../../local/host/validate.ts";

const aFunction = (
  name: string,
  trigger: Readonly<Record<string, unknown>>,
): RegisteredFunction => {
  const binding = { name: "t", direction: "in", ...trigger } as Binding;
  return { name, trigger: binding, bindings: [binding] };
};
const anHttpFunction = (name: string, options: Readonly<Record<string, unknown>> = {}) =>
  aFunction(name, { type: "httpTrigger", authLevel: "anonymous", methods: ["GET"], ...options });

const problems = (...functions: RegisteredFunction[]) =>
  findProblems(new Map(functions.map((registered) => [registered.name, registered])), {
    routePrefix: "",
    settings: {},
    withoutAuthLevel: new Set(),
    hasDurable: true,
  });

describe("the static checks", () => {
  it("find nothing wrong with what Azure takes", () => {
    const found = problems(
      anHttpFunction("get-one", { route: "things/{id:int}" }),
      anHttpFunction("get-named", { route: "things/{name}" }),
      anHttpFunction("put-named", { route: "things/{name}", methods: ["PUT"] }),
      anHttpFunction("page", { route: "/" }),
      aFunction("sweep", { type: "timerTrigger", schedule: "0 */5 * * * *" }),
      aFunction("story", { type: "orchestrationTrigger" }),
      aFunction("act", { type: "activityTrigger" }),
    );

    expect(found).toEqual([]);
  });

  it.each([
    ["a reserved name", [anHttpFunction("host")], "host: the name must"],
    ["a name with a dot", [anHttpFunction("a.b")], "a.b: the name must"],
    ["a name of 129 letters", [anHttpFunction("a".repeat(129))], "the name must"],
    ["names alike but for case", [anHttpFunction("run"), anHttpFunction("Run")], "by case only"],
    ["an unknown authLevel", [anHttpFunction("f", { authLevel: "user" })], '"user" is none of'],
    ["a name that is the admin route", [anHttpFunction("adminList")], "built in routes"],
    ["no schedule", [aFunction("t", { type: "timerTrigger" })], "it has no schedule"],
    ["an entity", [aFunction("e", { type: "entityTrigger" })], "type entityTrigger"],
    [
      "one route twice",
      [
        anHttpFunction("f", { route: "A/{x}" }),
        anHttpFunction("g", { route: "a/{y}", methods: [] }),
      ],
      'f and g: both answer the route "A/{x}"',
    ],
  ])("refuse %s", (_case, functions, reason) => {
    expect(problems(...functions).join("\n")).toContain(reason);
  });
});
