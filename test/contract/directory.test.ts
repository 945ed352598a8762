import { afterAll, beforeAll, describe } from "@jest/globals";
import { createDirectory } from "../../src/azure/directory.ts";
import { createFakeDirectory } from "../support/fake-directory.ts";
import { createFixedClock } from "../support/fixed-clock.ts";
import { startTestCloud, type TestCloud } from "../support/test-cloud.ts";
import { accounts, directoryContract, groups } from "./directory.ts";

describe("in memory", () => {
  directoryContract(() => {
    const directory = createFakeDirectory();
    directory.add(accounts.alice);
    directory.add(accounts.dan, [groups.oncall, groups.approvers]);
    directory.add(accounts.gus);
    directory.setEnabled(accounts.gus, false);
    directory.add(accounts.pipeline);
    return directory;
  });
});

describe("in the pretend cloud", () => {
  let cloud: TestCloud;
  beforeAll(async () => {
    cloud = await startTestCloud();
  }, 30_000);
  afterAll(() => cloud?.stop());

  directoryContract(() =>
    createDirectory({ ...cloud.graphOptions, clock: createFixedClock("2026-11-22T12:00:00Z") }),
  );
});
