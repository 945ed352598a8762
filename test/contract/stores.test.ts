import { afterAll, beforeAll, describe } from "@jest/globals";
import { createActivityStore } from "../../src/tables/activity.ts";
import { createAnchorStore, createDropStore } from "../../src/tables/anchors.ts";
import { createGateStore } from "../../src/tables/gates.ts";
import { createLedger } from "../../src/tables/ledger.ts";
import { createOutbox } from "../../src/tables/outbox.ts";
import { createPolicyStore } from "../../src/tables/policies.ts";
import { createRequestStore } from "../../src/tables/requests.ts";
import { type Azurite, startAzurite } from "../support/azurite.ts";
import { createFakeActivity } from "../support/fake-activity.ts";
import { createFakeActivityStore } from "../support/fake-activity-store.ts";
import { createFakeAnchors, createFakeDrops } from "../support/fake-anchors.ts";
import { createFakeGateStore } from "../support/fake-gate-store.ts";
import { createFakeOutbox } from "../support/fake-outbox.ts";
import { createFakePolicyStore } from "../support/fake-policy-store.ts";
import { createFakeRequestStore } from "../support/fake-request-store.ts";
import { freshTables, pause } from "../support/fresh-tables.ts";
import { storageProcesses } from "../support/storage-wire.ts";
import { activityHistoriesContract } from "./activity-histories.ts";
import { activityStoreContract } from "./activity-store.ts";
import { anchorKeeperContract, dropStoreContract } from "./anchors.ts";
import { gateEndsContract } from "./gate-ends.ts";
import { gateSettlingContract } from "./gate-settling.ts";
import { gateStoreContract } from "./gate-store.ts";
import { gateUpdatesContract } from "./gate-updates.ts";
import { ledgerContract } from "./ledger.ts";
import { outboxContract } from "./outbox.ts";
import { policyStoreContract } from "./policy-store.ts";
import { requestListsContract } from "./request-lists.ts";
import { requestStoreContract } from "./request-store.ts";

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
  activityHistoriesContract(createFakeActivity);
  ledgerContract(createFakeActivity);
  anchorKeeperContract(createFakeAnchors);
  dropStoreContract(createFakeDrops);
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
  activityStoreContract(() => createActivityStore(freshTables(azurite), pause));
  const openActivity = () => {
    const open = storageProcesses(azurite);
    const [recording, reading] = [open(), open()];
    return {
      activity: createActivityStore(recording.tables, pause),
      ledger: createLedger(reading.tables, pause),
      interruptNext() {
        // The first write makes the table of the month, the second one claims.
        recording.wire.fault = { at: 2, kind: "dies after" };
      },
    };
  };
  activityHistoriesContract(openActivity);
  ledgerContract(openActivity);
  anchorKeeperContract(() => createAnchorStore(freshTables(azurite)));
  dropStoreContract(() => createDropStore(freshTables(azurite)));
  outboxContract(() => {
    const tables = freshTables(azurite);
    return { one: createOutbox(tables), other: createOutbox(tables) };
  });
});
