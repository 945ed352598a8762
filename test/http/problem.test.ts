import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { problem, problemOf } from "../../src/http/problem.ts";
import { type ReasonCode, reasonCodes, refused } from "../../src/reasons.ts";

const reason = (code: ReasonCode, target?: string) => ({
  code,
  message: `About ${code}.`,
  ...(target === undefined ? {} : { target }),
});

describe("a problem", () => {
  it("with one reason is ARM's error body without details", () => {
    expect(problemOf("PolicyNotFound", "None there.", "name")).toMatchObject({
      status: 404,
      body: {
        error: { code: "PolicyNotFound", message: "None there.", target: "name", details: [] },
      },
    });
  });

  it("with several reasons has the first on top and every one in its details", () => {
    const first = reason("InvalidPolicy", "properties");
    const second = reason("VirtualMachineNotFound");

    expect(problem(refused(first, second)).body).toEqual({
      error: { ...first, details: [first, second] },
    });
  });

  it("keeps its refusal for the audit, and what it is told beside", () => {
    const refusal = refused(reason("AuthorizationFailed"));

    expect(problem(refusal, { vmIds: ["vm"], headers: { "retry-after": "1" } })).toMatchObject({
      refusal,
      vmIds: ["vm"],
      headers: { "retry-after": "1" },
    });
  });

  it("without a reason is our own fault", () => {
    expect(problem(refused()).status).toBe(500);
  });

  it.each<[ReasonCode, number]>([
    ["InvalidRequestContent", 400],
    ["InvalidPolicy", 400],
    ["InvalidInitiateInput", 400],
    ["RequestNotSubsetOfPolicy", 400],
    ["VirtualMachineNotFound", 400],
    ["AuthenticationFailed", 401],
    ["AuthorizationFailed", 403],
    ["PolicyNotFound", 404],
    ["ResourceNotFound", 404],
    ["MethodNotAllowed", 405],
    ["PolicyChangedMeanwhile", 409],
    ["GateFull", 409],
    ["RequestContentTooLarge", 413],
    ["InternalError", 500],
    ["ServiceUnavailable", 503],
  ])("of code %s is a %i", (code, status) => {
    expect(problem(refused(reason(code))).status).toBe(status);
  });

  it("has the status that docs/api.md tells, where every code that is no 400 is told", () => {
    const page = readFileSync(new URL("../../docs/api.md", import.meta.url), "utf8");
    const rows = [...page.matchAll(/^\| (\d{3}(?:, \d{3})*) \| (.*) \|$/gm)];
    const told = rows.flatMap(([, statuses = "", text = ""]) =>
      [...text.matchAll(/`([A-Z]\w+)`/g)]
        .filter(([, code = ""]) => Object.hasOwn(reasonCodes, code))
        .map(([, code = ""]) => ({ code: code as ReasonCode, statuses })),
    );

    const wrong = told.filter(
      ({ code, statuses }) => !statuses.includes(String(problemOf(code, "").status)),
    );
    const untold = (Object.keys(reasonCodes) as ReasonCode[]).filter(
      (code) => problemOf(code, "").status !== 400 && !told.some((one) => one.code === code),
    );

    expect({ wrong, untold }).toEqual({ wrong: [], untold: [] });
  });
});
