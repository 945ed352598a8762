import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { RunningSystem } from "../support/running-system.ts";
import { stateOf } from "./support/state.ts";
import { type Answer, User } from "./user.ts";

let system: RunningSystem;
let user: User;

beforeAll(async () => {
  system = await RunningSystem.start({ timing: { nsgWriteMs: 50 } });
  user = new User(system);
  await user.protect("sam", "strict", ["vm-linux"], [22], {
    allowedSourceAddressPrefix: "203.0.113.0/24",
    maxRequestAccessDuration: "PT1H",
  });
}, 60_000);

afterAll(async () => {
  await system?.stop();
}, 30_000);

const inOneHour = () => new Date(Date.now() + 3_600_000).toISOString();

interface Case {
  readonly case: string;
  readonly status: number;
  readonly code: string;
  readonly target?: string;
  /** Whether the caller is known: then the refusal is a fact. */
  readonly known?: boolean;
  call(): Promise<Answer>;
}

const port = (more: object) => ({
  number: 22,
  protocol: "TCP",
  allowedSourceAddressPrefix: "*",
  maxRequestAccessDuration: "PT3H",
  ...more,
});
const put = (more: object, vm = user.vm("vm-windows"), name = "fresh") =>
  user.call("olivia", "PUT", user.policy(name), {
    properties: { virtualMachines: [{ id: vm, ports: [port(more)] }] },
  });
const askFor = (more: object, vm = user.vm("vm-linux"), name = "strict") =>
  user.call("olivia", "POST", `${user.policy(name)}/initiate`, {
    virtualMachines: [
      {
        id: vm,
        ports: [
          {
            number: 22,
            endTimeUtc: new Date(Date.now() + 60_000).toISOString(),
            allowedSourceAddressPrefix: "203.0.113.7",
            ...more,
          },
        ],
      },
    ],
  });
const vmPort = "properties.virtualMachines[0].ports[0]";
const askPort = "virtualMachines[0].ports[0]";
const otherSubscription =
  "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-demo/providers/Microsoft.Compute/virtualMachines/vm-linux";

const policyCases: readonly Case[] = [
  {
    case: "a policy that is not JSON",
    status: 400,
    code: "InvalidRequestContent",
    target: "body",
    call: () => user.call("olivia", "PUT", user.policy("fresh"), "{not json"),
  },
  {
    case: "a policy without virtualMachines",
    status: 400,
    code: "InvalidPolicy",
    target: "properties.virtualMachines",
    call: () => user.call("olivia", "PUT", user.policy("fresh"), { properties: {} }),
  },
  {
    case: "port 70000",
    status: 400,
    code: "InvalidPolicy",
    target: `${vmPort}.number`,
    call: () => put({ number: 70_000 }),
  },
  {
    case: "an empty protocol",
    status: 400,
    code: "InvalidPolicy",
    target: `${vmPort}.protocol`,
    call: () => put({ protocol: "" }),
  },
  {
    case: "a longest window of PT2M",
    status: 400,
    code: "InvalidPolicy",
    target: `${vmPort}.maxRequestAccessDuration`,
    call: () => put({ maxRequestAccessDuration: "PT2M" }),
  },
  {
    case: "a longest window of P2D",
    status: 400,
    code: "InvalidPolicy",
    target: `${vmPort}.maxRequestAccessDuration`,
    call: () => put({ maxRequestAccessDuration: "P2D" }),
  },
  {
    case: "10.1 as a source",
    status: 400,
    code: "InvalidPolicy",
    target: `${vmPort}.allowedSourceAddressPrefix`,
    call: () => put({ allowedSourceAddressPrefix: "10.1" }),
  },
  {
    case: "010.0.0.1 as a source",
    status: 400,
    code: "InvalidPolicy",
    target: `${vmPort}.allowedSourceAddressPrefix`,
    call: () => put({ allowedSourceAddressPrefix: "010.0.0.1" }),
  },
  {
    case: "an unknown VM",
    status: 400,
    code: "VirtualMachineNotFound",
    target: "properties.virtualMachines[0].id",
    call: () => put({}, user.vm("vm-nowhere")),
  },
  {
    case: "a VM in another subscription",
    status: 400,
    code: "VirtualMachineInAnotherSubscription",
    target: "properties.virtualMachines[0].id",
    call: () => put({}, otherSubscription),
  },
  {
    case: "a classic VM",
    status: 400,
    code: "ClassicVirtualMachineNotSupported",
    call: () =>
      put({}, user.vm("vm-classic").replace("Microsoft.Compute", "Microsoft.ClassicCompute")),
  },
  {
    case: "a body of 5 MB",
    status: 413,
    code: "RequestContentTooLarge",
    target: "body",
    call: () => user.call("olivia", "PUT", user.policy("fresh"), `"${"x".repeat(5_000_000)}"`),
  },
  {
    case: "PATCH",
    status: 405,
    code: "MethodNotAllowed",
    target: "method",
    call: () => user.call("olivia", "PATCH", user.policy("fresh"), {}),
  },
  {
    case: "somebody without any right",
    status: 403,
    code: "AuthorizationFailed",
    call: () => user.protect("eve", "fresh", ["vm-windows"]),
  },
  {
    case: "a requestor who wants to configure",
    status: 403,
    code: "AuthorizationFailed",
    call: () => user.protect("alice", "fresh", ["vm-windows"]),
  },
];

const requestCases: readonly Case[] = [
  {
    case: "a request that is not JSON",
    status: 400,
    code: "InvalidRequestContent",
    target: "body",
    call: () => user.call("olivia", "POST", `${user.policy("strict")}/initiate`, "nope"),
  },
  {
    case: "a request without ports",
    status: 400,
    code: "InvalidInitiateInput",
    target: "virtualMachines[0].ports",
    call: () =>
      user.call("olivia", "POST", `${user.policy("strict")}/initiate`, {
        virtualMachines: [{ id: user.vm("vm-linux") }],
      }),
  },
  {
    case: "neither end nor duration",
    status: 400,
    code: "InvalidInitiateInput",
    target: `${askPort}.endTimeUtc`,
    call: () => askFor({ endTimeUtc: undefined }),
  },
  {
    case: "both end and duration",
    status: 400,
    code: "InvalidInitiateInput",
    target: `${askPort}.endTimeUtc`,
    call: () => askFor({ duration: "PT5M" }),
  },
  {
    case: "port 70000 asked for",
    status: 400,
    code: "InvalidInitiateInput",
    target: `${askPort}.number`,
    call: () => askFor({ number: 70_000 }),
  },
  {
    case: "an end in the past",
    status: 400,
    code: "InvalidInitiateInput",
    target: `${askPort}.endTimeUtc`,
    call: () => askFor({ endTimeUtc: "2020-01-01T00:00:00Z" }),
  },
  {
    case: "an end past the longest window",
    status: 400,
    code: "RequestNotSubsetOfPolicy",
    target: `${askPort}.endTimeUtc`,
    call: () => askFor({ endTimeUtc: new Date(Date.parse(inOneHour()) + 120_000).toISOString() }),
  },
  {
    case: "a port that is not in the policy",
    status: 400,
    code: "RequestNotSubsetOfPolicy",
    target: `${askPort}.number`,
    call: () => askFor({ number: 23 }),
  },
  {
    case: "a source outside",
    status: 400,
    code: "RequestNotSubsetOfPolicy",
    target: `${askPort}.allowedSourceAddressPrefix`,
    call: () => askFor({ allowedSourceAddressPrefix: "203.0.114.7" }),
  },
  {
    case: "any source where a range is allowed",
    status: 400,
    code: "RequestNotSubsetOfPolicy",
    target: `${askPort}.allowedSourceAddressPrefix`,
    call: () => askFor({ allowedSourceAddressPrefix: "*" }),
  },
  {
    case: "10.1 as a source of a request",
    status: 400,
    code: "InvalidInitiateInput",
    target: `${askPort}.allowedSourceAddressPrefix`,
    call: () => askFor({ allowedSourceAddressPrefix: "10.1" }),
  },
  {
    case: "010.0.0.1 as a source of a request",
    status: 400,
    code: "InvalidInitiateInput",
    target: `${askPort}.allowedSourceAddressPrefix`,
    call: () => askFor({ allowedSourceAddressPrefix: "010.0.0.1" }),
  },
  {
    case: "a VM that the policy does not protect",
    status: 400,
    code: "RequestNotSubsetOfPolicy",
    target: "virtualMachines[0].id",
    call: () => askFor({}, user.vm("vm-windows")),
  },
  {
    case: "a VM of another subscription asked for",
    status: 400,
    code: "VirtualMachineInAnotherSubscription",
    target: "virtualMachines[0].id",
    call: () => askFor({}, otherSubscription),
  },
  {
    case: "a policy that does not exist",
    status: 404,
    code: "PolicyNotFound",
    target: "name",
    call: () => askFor({}, user.vm("vm-linux"), "nowhere"),
  },
  {
    case: "GET of initiate",
    status: 405,
    code: "MethodNotAllowed",
    target: "method",
    call: () => user.call("olivia", "GET", `${user.policy("strict")}/initiate`),
  },
  {
    case: "a reader who asks for access",
    status: 403,
    code: "AuthorizationFailed",
    call: () => user.ask("rita", "strict", "vm-linux", 60),
  },
  {
    case: "somebody without any right who asks for access",
    status: 403,
    code: "AuthorizationFailed",
    call: () => user.ask("eve", "strict", "vm-linux", 60),
  },
];

const unsigned = () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none", typ: "JWT" })}.${part({ tid: system.endpoints.tenantId, aud: system.endpoints.audience, exp: 4_000_000_000 })}.`;
};
const withToken = (token: string | undefined) =>
  user.callWith(token, "DELETE", user.policy("strict"));

const tokenCases: readonly Case[] = [
  { case: "no token", call: () => withToken(undefined) },
  { case: "a token that is none", call: () => withToken("abc") },
  {
    case: "an expired token",
    call: async () => withToken(await user.token("olivia", "expiresInSeconds=-3600")),
  },
  {
    case: "a token for Azure Resource Manager",
    call: async () =>
      withToken(await user.token("olivia", "audience=https://management.azure.com")),
  },
  {
    case: "a token for somebody else's application",
    call: async () => withToken(await user.token("olivia", "audience=api://other")),
  },
  { case: "alg: none", call: () => withToken(unsigned()) },
].map((each) => ({ ...each, status: 401, code: "AuthenticationFailed", known: false }));

describe("bad input is answered with a clear error and changes nothing", () => {
  it.each([...policyCases, ...requestCases, ...tokenCases])(
    "$case",
    async ({ call, status, code, target, known = true }) => {
      const before = await stateOf(user);

      const answer = await call();

      expect([answer.status, answer.body?.error?.code]).toEqual([status, code]);
      expect(answer.body.error.message.length).toBeGreaterThan(20);
      if (target !== undefined) {
        expect(answer.body.error.target).toBe(target);
      }
      expect(answer.text).not.toMatch(/\bat .*\.(ts|cjs|js):\d+|node_modules/);
      const after = await stateOf(user);
      expect(after.things).toEqual(before.things);
      expect(after.refusals.length > before.refusals.length).toBe(known);
    },
  );
});
