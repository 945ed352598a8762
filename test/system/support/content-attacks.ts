import type { Arena, Attack } from "./arena.ts";

const filter = encodeURIComponent("x' or PartitionKey ne '");
/** Filters where values are expected. */
export const filterAttacks: readonly Attack[] = [
  ...[
    ...["subscriptionId", "from", "to", "top", "$skiptoken", "vm", "resourceGroup", "requestor"],
    ...["requestId", "windowId", "operation", "outcome", "format"],
  ].map((name) => ({
    case: `a filter in the parameter ${name}`,
    status: 400,
    code: "InvalidQuery",
    call: (arena: Arena) => {
      const usual =
        name === "subscriptionId" || name === "vm"
          ? ""
          : `subscriptionId=${arena.user.subscriptionId}&`;
      return arena.as("olivia", { path: `/api/activity?${usual}${name}=${filter}` });
    },
  })),
  {
    case: "a filter in the cursor of the export",
    status: 400,
    code: "InvalidQuery",
    call: (arena: Arena) =>
      arena.as("olivia", {
        path: `/api/activity/export?subscriptionId=${arena.user.subscriptionId}&cursor=${filter}`,
      }),
  },
  {
    case: "a filter in the $skiptoken of policies",
    status: 400,
    code: "InvalidQuery",
    call: (arena: Arena) =>
      arena.as("olivia", {
        path: `/subscriptions/${arena.user.subscriptionId}/providers/Microsoft.Security/jitNetworkAccessPolicies?$skiptoken=${filter}`,
      }),
  },
  ...(["subscriptions", "resourceGroups", "locations"] as const).map((segment) => ({
    case: `a filter in the path behind ${segment}`,
    status: 400,
    code: "InvalidRequestContent",
    call: (arena: Arena) =>
      arena.as("olivia", {
        path: arena.strict().replace(new RegExp(`(?<=/${segment}/)[^/]+`), filter),
      }),
  })),
  {
    case: "a filter for a policy's name",
    status: 404,
    code: "ResourceNotFound",
    call: (arena: Arena) => arena.as("olivia", { path: arena.user.policy(filter) }),
  },
  {
    case: "a filter for a VM's name",
    status: 400,
    code: "RequestNotSubsetOfPolicy",
    isAudited: true,
    call: (arena: Arena) => arena.ask("olivia", { id: arena.user.vm("vm'or'1'eq'1") }),
  },
];

const badBody = { status: 400, code: "InvalidRequestContent", isAudited: true } as const;
const send = (arena: Arena, body: string | Uint8Array) =>
  arena.as("olivia", { method: "PUT", path: arena.strict(), body });
const manyPorts = (arena: Arena, port: object) =>
  JSON.stringify({
    id: arena.user.vm("vm-linux"),
    ports: Array.from({ length: 10_000 }, (_, number) => ({ number, ...port })),
  });

/** Bodies that are made to harm. */
export const bodyAttacks: readonly Attack[] = [
  {
    ...badBody,
    case: "__proto__ in a policy",
    call: (arena: Arena) => send(arena, '{"__proto__":{"properties":{"virtualMachines":[]}}}'),
  },
  {
    ...badBody,
    case: "__proto__ in escapes, deep inside a request",
    call: (arena: Arena) =>
      arena.as("olivia", {
        method: "POST",
        path: arena.strict("/initiate"),
        body: '{"virtualMachines":[{"\\u005f_proto__":{"id":"x"}}]}',
      }),
  },
  {
    case: "constructor.prototype in a policy",
    status: 400,
    code: "InvalidPolicy",
    isAudited: true,
    call: (arena: Arena) =>
      send(arena, '{"constructor":{"prototype":{"properties":{}}},"prototype":{}}'),
  },
  {
    case: "10,000 ports in a policy",
    status: 400,
    code: "InvalidPolicy",
    isAudited: true,
    call: (arena: Arena) =>
      send(
        arena,
        `{"properties":{"virtualMachines":[${manyPorts(arena, { protocol: "TCP", allowedSourceAddressPrefix: "*", maxRequestAccessDuration: "PT3H" })}]}}`,
      ),
  },
  {
    case: "10,000 ports in a request",
    status: 400,
    code: "InvalidInitiateInput",
    isAudited: true,
    call: (arena: Arena) =>
      arena.as("olivia", {
        method: "POST",
        path: arena.strict("/initiate"),
        body: `{"virtualMachines":[${manyPorts(arena, { duration: "PT5M" })}]}`,
      }),
  },
  {
    case: "10 MB of nesting",
    status: 413,
    code: "RequestContentTooLarge",
    isAudited: true,
    call: (arena: Arena) => send(arena, "[".repeat(10_000_000)),
  },
  {
    ...badBody,
    case: "4 MB of nesting",
    call: (arena: Arena) => send(arena, "[".repeat(4_000_000)),
  },
  {
    ...badBody,
    case: "4 MB of nesting in objects",
    call: (arena: Arena) => send(arena, '{"a":'.repeat(800_000)),
  },
  {
    ...badBody,
    case: "bytes that are no UTF-8",
    call: (arena: Arena) => send(arena, Uint8Array.from([34, 0xc3, 0x28, 34])),
  },
];

/** Line breaks, and a header behind them. */
export const breaks = encodeURIComponent("\r\nset-cookie: evil=1");
/** What would come back in headers. */
export const headerAttacks: readonly Attack[] = [
  {
    ...badBody,
    isAudited: true,
    case: "line breaks in a policy's name",
    call: (arena: Arena) =>
      arena.as("olivia", { method: "DELETE", path: arena.user.policy(`x${breaks}`) }),
  },
  {
    case: "line breaks in a $skiptoken",
    status: 400,
    code: "InvalidQuery",
    call: (arena: Arena) =>
      arena.as("olivia", {
        path: `/api/activity?subscriptionId=${arena.user.subscriptionId}&$skiptoken=${breaks}`,
      }),
  },
  {
    case: "one parameter with two values",
    status: 400,
    code: "InvalidQuery",
    call: (arena: Arena) =>
      arena.as("olivia", {
        path: `/api/activity?subscriptionId=${arena.user.subscriptionId}&top=1&top=2`,
      }),
  },
];
