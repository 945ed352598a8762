import { describe, expect, it } from "@jest/globals";
import { startChild } from "./support/start-child.ts";

describe("an app that cannot run", () => {
  it.each([
    ["its entry file throws", "broken", "the database password is missing"],
    ["it registers no function", "empty", "No functions"],
    ["it streams HTTP", "streaming", "enableHttpStream: true }) is not supported"],
  ])("is refused with the reason when %s", async (_case, fixture, reason) => {
    await expect(startChild({ fixture })).rejects.toThrow(reason);
  });

  it("is told everything that Azure would refuse, at once", async () => {
    const refusal = await startChild({ fixture: "faulty" }).catch((error: Error) => error);

    expect(String(refusal).split("\n").slice(1).sort()).toEqual([
      "- 2nd: the name must start with a letter and have up to 128 of A-Z a-z 0-9 _ -, and not be host.",
      '- adminArea: the route "administration" conflicts with one or more built in routes.',
      '- badCron: "@daily" is not an NCRONTAB expression of 6 (or 5) fields.',
      '- badRoute: Route "api/a/{b:sort}": the constraint "sort" is unknown.',
      '- explicit and implicit: both answer the route "api/same/{id}".',
      '- implicit: authLevel is not set; write it out, also when it is "anonymous".',
      '- implicitClient: authLevel is not set; write it out, also when it is "anonymous".',
      "- implicitClient: durableClient needs a durable engine.",
      '- noSetting: there is no setting "NOWHERE" for "%NOWHERE%".',
      "- queued: the local host has no in binding of type queueTrigger.",
      "- work: activityTrigger needs a durable engine.",
    ]);
  });
});

describe("an app of several ES modules", () => {
  it("is loaded whole, with the route prefix of its host.json", async () => {
    const host = await startChild({ fixture: "esm" });

    const answers = await Promise.all(["/", "/two"].map((path) => fetch(`${host.httpUrl}${path}`)));

    expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual([
      "root",
      "second file",
    ]);
    expect(await host.stop()).toEqual({ exitCode: 0 });
  });
});
