import type { Arena, Attack } from "./arena.ts";

const otherSubscription = "99999999-84b7-4f0e-b3c5-2e6a9d71f840";

const spoofed = [
  "x-forwarded-for",
  "forwarded",
  "x-real-ip",
  "client-ip",
  "x-client-ip",
  "true-client-ip",
  "x-azure-clientip",
  "x-azure-socketip",
  "x-original-for",
];
/** Calls that say they come from an address that is not theirs. */
export const sourceAttacks: readonly Attack[] = spoofed.map((name) => ({
  case: `a source of one's choice by ${name}`,
  status: 400,
  code: "RequestNotSubsetOfPolicy",
  isAudited: true,
  says: "127.0.0.1",
  call: (arena: Arena) =>
    arena.ask("olivia", {
      port: { allowedSourceAddressPrefix: undefined },
      headers: { [name]: name === "forwarded" ? "for=203.0.113.7" : "203.0.113.7" },
    }),
}));

const group = (arena: Arena, name: string) =>
  `/subscriptions/${arena.user.subscriptionId}/resourceGroups/${name}/providers`;
const inGroup = (arena: Arena, name: string, more = "") =>
  `${group(arena, name)}/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/strict${more}`;
const badId = { status: 400, code: "InvalidInitiateInput", isAudited: true } as const;
const forbidden = { status: 403, code: "AuthorizationFailed", isAudited: true } as const;

/** Ids that are meant to be taken for others. */
export const idAttacks: readonly Attack[] = [
  {
    ...badId,
    case: "a VM id with encoded slashes",
    call: (arena: Arena) =>
      arena.ask("olivia", {
        id: arena.user.vm("vm-linux").replace("/rg-demo/", "/rg-demo%2Fproviders%2F"),
      }),
  },
  {
    ...badId,
    case: "a VM id that climbs",
    call: (arena: Arena) =>
      arena.ask("olivia", { id: `${arena.user.vm("vm-linux")}/../vm-windows` }),
  },
  {
    ...badId,
    case: "a VM id with a query of its own",
    call: (arena: Arena) =>
      arena.ask("olivia", { id: `${arena.user.vm("vm-linux")}?api-version=1` }),
  },
  {
    case: "a VM of another subscription",
    status: 400,
    code: "VirtualMachineInAnotherSubscription",
    isAudited: true,
    call: (arena: Arena) =>
      arena.ask("olivia", {
        id: arena.user.vm("vm-linux").replace(arena.user.subscriptionId, otherSubscription),
      }),
  },
  {
    ...forbidden,
    case: "a VM without a right, written in capitals",
    call: (arena: Arena) => arena.ask("eve", { id: arena.user.vm("vm-linux").toUpperCase() }),
  },
  {
    ...forbidden,
    case: "a policy without a right, written in capitals",
    call: (arena: Arena) =>
      arena.as("eve", { method: "DELETE", path: arena.user.policy("strict").toUpperCase() }),
  },
  {
    ...forbidden,
    case: "a stranger's VM in a policy of another resource group",
    call: (arena: Arena) =>
      arena.as("bob", {
        method: "PUT",
        path: inGroup(arena, "rg-network"),
        body: JSON.stringify({
          properties: {
            virtualMachines: [
              {
                id: arena.user.vm("vm-linux"),
                ports: [
                  {
                    number: 22,
                    protocol: "TCP",
                    allowedSourceAddressPrefix: "*",
                    maxRequestAccessDuration: "PT3H",
                  },
                ],
              },
            ],
          },
        }),
      }),
  },
  {
    case: "a VM asked for by way of a policy of another resource group",
    status: 404,
    code: "PolicyNotFound",
    isAudited: true,
    call: (arena: Arena) =>
      arena.ask("olivia", { path: inGroup(arena, "rg-network", "/initiate") }),
  },
  {
    case: "a resource group with an encoded slash",
    status: 400,
    code: "InvalidRequestContent",
    isAudited: true,
    call: (arena: Arena) =>
      arena.ask("olivia", { path: inGroup(arena, "rg-demo%2Fproviders", "/initiate") }),
  },
  {
    case: "a resource group that is encoded twice",
    status: 400,
    code: "InvalidRequestContent",
    isAudited: true,
    call: (arena: Arena) =>
      arena.ask("olivia", { path: inGroup(arena, "rg%252Ddemo", "/initiate") }),
  },
];
