import { afterAll, beforeAll, describe } from "@jest/globals";
import { createActivityStore } from "../../src/tables/activity.ts";
import { createGateStore } from "../../src/tables/gates.ts";
import { createOutbox } from "../../src/tables/outbox.ts";
import { createPolicyStore } from "../../src/tables/policies.ts";
import { createRequestStore } from "../../src/tables/requests.ts";
import { createSettingsStore } from "../../src/tables/settings.ts";
import { type Azurite, startAzurite } from "../support/azurite.ts";
import { createFakeActivityStore } from "../support/fake-activity-store.ts";
import { createFakeGateStore } from "../support/fake-gate-store.ts";
import { createFakeOutbox } from "../support/fake-outbox.ts";
import { createFakePolicyStore } from "../support/fake-policy-store.ts";
import { createFakeRequestStore } from "../support/fake-request-store.ts";
import { createFakeSettingsStore } from "../support/fake-settings-store.ts";
import { freshTables, pause } from "../support/fresh-tables.ts";
import { activityStoreContract } from "./activity-store.ts";
import { gateEndsContract } from "./gate-ends.ts";
import { gateSettlingContract } from "./gate-settling.ts";
import { gateStoreContract } from "./gate-store.ts";
import { gateUpdatesContract } from "./gate-updates.ts";
import { outboxContract } from "./outbox.ts";
import { policyStoreContract } from "./policy-store.ts";
import { requestListsContract } from "./request-lists.ts";
import { requestStoreContract } from "./request-store.ts";
import { settingsStoreContract } from "./settings-store.ts";

describe("in memory", () => {
  const openGates = () => {
    const gates = createFakeGateStore();
    return { one: gates, other: gates };
  };
  gateStoreContract(openGates);
  gateSettlingContract(openGates);
  gateEndsContract(openGates);
  gateUpdatesContract(openGates);
  policyStoreContract(createFakePolicyStore);
  const openRequests = () => {
    const requests = createFakeRequestStore();
    return { one: requests, other: requests };
  };
  requestStoreContract(openRequests);
  requestListsContract(openRequests);
  activityStoreContract(createFakeActivityStore);
  settingsStoreContract(createFakeSettingsStore);
  outboxContract(() => {
    const outbox = createFakeOutbox();
    return { one: outbox, other: outbox };
  });
});

describe("in Table Storage", () => {
  let azurite: Azurite;

  beforeAll(async () => {
    azurite = await startAzurite();
  }, 30_000);

  afterAll(() => azurite?.stop());

  const openGates = () => {
    const tables = freshTables(azurite);
    return { one: createGateStore(tables, pause), other: createGateStore(tables, pause) };
  };
  gateStoreContract(openGates);
  gateSettlingContract(openGates);
  gateEndsContract(openGates);
  gateUpdatesContract(openGates);
  policyStoreContract(() => createPolicyStore(freshTables(azurite)));
  const openRequests = () => {
    const tables = freshTables(azurite);
    return { one: createRequestStore(tables, pause), other: createRequestStore(tables, pause) };
  };
  requestStoreContract(openRequests);
  requestListsContract(openRequests);
  activityStoreContract(() => createActivityStore(freshTables(azurite)));
  settingsStoreContract(() => createSettingsStore(freshTables(azurite)));
  outboxContract(() => {
    const tables = freshTables(azurite);
    return { one: createOutbox(tables), other: createOutbox(tables) };
  });
});
