import type { Estate, Person } from "../../../../local/cloud/estate.ts";

export const TENANT = "11111111-1111-4111-8111-111111111111";
export const SUBSCRIPTION = "22222222-2222-4222-8222-222222222222";

export const ALICE: Person = {
  name: "alice",
  displayName: "Alice Example",
  userPrincipalName: "alice@example.com",
  objectId: "aaaaaaaa-0000-4000-8000-000000000001",
  about: "may request",
};
export const EVE: Person = {
  name: "eve",
  displayName: "Eve Example",
  userPrincipalName: "eve@example.com",
  objectId: "eeeeeeee-0000-4000-8000-000000000002",
  about: "may nothing",
};

/** Two people, the service, and nothing to look at. */
export const SMALL_ESTATE: Estate = {
  tenantId: TENANT,
  subscriptionId: SUBSCRIPTION,
  people: [ALICE, EVE],
  application: { clientId: "33333333-3333-4333-8333-333333333333", appIdUri: "api://jit-access" },
  serviceIdentity: {
    principalId: "44444444-4444-4444-8444-444444444444",
    clientId: "55555555-5555-4555-8555-555555555555",
  },
  roleDefinitions: [],
  roleAssignments: [],
  resources: [],
  timing: { firewallUpdateMs: 0, nsgWriteMs: 0, readMs: 0, retryAfterSeconds: 0 },
};
