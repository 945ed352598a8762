/**
 * `npm run demo`: one access request from the closed port to the closed port, against the running system, with the real
 * SDK clients. Reads like the story it is; run it as often as you like.
 */
import { resolve } from "node:path";
import { setTimeout as pauseFor } from "node:timers/promises";
import { parseArgs } from "node:util";
import { NetworkManagementClient, type SecurityRule } from "@azure/arm-network";
import { type JitNetworkAccessPolicy, SecurityCenter } from "@azure/arm-security";
import { type EchoConnection, readMachinePorts, tryToConnect } from "./cloud/data-plane/client.ts";
import { nameOf } from "./cloud/data-plane/machine-port.ts";
import { type Endpoints, readEndpoints } from "./endpoints.ts";
import { getJson, type SignedIn, signIn } from "./sign-in.ts";

const HELP = `npm run demo -- [--data DIR] [--seconds N]

  --data DIR    where the running system keeps its data (default .local)
  --seconds N   how long the port stays open (default 20)
`;

const group = "rg-demo";
const location = "westeurope";
const policyName = "demo";
const source = "203.0.113.7";
const armScope = "https://management.azure.com/.default";

interface Stage {
  readonly endpoints: Endpoints;
  readonly seconds: number;
  readonly vmId: string;
  readonly network: NetworkManagementClient;
  readonly nsgs: readonly { readonly group: string; readonly name: string }[];
  /** The API as a person uses it. */
  as(person: string): SecurityCenter;
}

try {
  const given = parseArgs({
    options: {
      data: { type: "string", default: ".local" },
      seconds: { type: "string", default: "20" },
      help: { type: "boolean" },
    },
  }).values;
  if (given.help === true) {
    process.stdout.write(HELP);
  } else {
    await tell(await prepare(given.data, Number(given.seconds)));
  }
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message}\n"npm run demo -- --help" tells what it takes.\n`);
  process.exitCode = 1;
}

async function prepare(dataDir: string, seconds: number): Promise<Stage> {
  if (!Number.isInteger(seconds) || seconds < 5 || seconds > 3_600) {
    throw new Error("--seconds takes a whole number from 5 to 3600.");
  }
  const endpoints = await readEndpoints(resolve(dataDir));
  const people = new Map<string, SignedIn>();
  for (const person of ["olivia", "sam", "alice"]) {
    people.set(person, await signIn(endpoints, person, endpoints.audience));
  }
  const { subscriptionId } = endpoints;
  const reader = await signIn(endpoints, "olivia", "https://management.azure.com");
  const network = new NetworkManagementClient(reader.credential, subscriptionId, {
    endpoint: endpoints.cloud,
    credentials: { scopes: [armScope] },
    tlsOptions: reader.tlsOptions,
  });
  return {
    endpoints,
    seconds,
    vmId: `/subscriptions/${subscriptionId}/resourceGroups/${group}/providers/Microsoft.Compute/virtualMachines/vm-both`,
    network,
    nsgs: [
      { group: "rg-demo", name: "nsg-both-nic" },
      { group: "rg-network", name: "nsg-both-subnet" },
    ],
    as(person) {
      const { credential, tlsOptions } = people.get(person) as SignedIn;
      return new SecurityCenter(credential, subscriptionId, {
        endpoint: endpoints.apiHttps,
        credentialScopes: [`${endpoints.audience}/.default`],
        tlsOptions,
      });
    },
  };
}

async function tell(stage: Stage): Promise<void> {
  say(
    "The VM 'vm-both' stands behind two network security groups: its network interface's and its subnet's.",
  );
  heading("1  Before: the rules of both");
  const before = await showRules(stage);
  await connectFromEverywhere(stage);

  heading("2  Sam (Security Admin) protects SSH and RDP: PUT of a policy");
  await stage
    .as("sam")
    .jitNetworkAccessPolicies.createOrUpdate(group, location, policyName, policyBody(stage));
  say("Stored, and the deny rules are written and read back:");
  await showRules(stage, before);

  heading(`3  Alice asks for SSH from ${source} for ${stage.seconds} seconds: POST initiate`);
  const askedAt = Date.now();
  const answer = await stage
    .as("alice")
    .jitNetworkAccessPolicies.initiate(group, location, policyName, initiateBody(stage));
  const port = answer.virtualMachines[0]?.ports[0];
  say(
    `Answered after ${Date.now() - askedAt} ms: status ${port?.status}, until ${port?.endTimeUtc.toISOString()}.`,
  );
  await untilStatus(stage, "Initiated");
  say(`Open and proven after ${((Date.now() - askedAt) / 1000).toFixed(1)} s:`);
  await showRules(stage, before);
  const connections = await connectFromEverywhere(stage);

  heading("4  The window");
  await countdown(port?.endTimeUtc ?? new Date());
  await untilStatus(stage, "Revoked");
  say(
    `Closed and proven ${((Date.now() - (port?.endTimeUtc.getTime() ?? 0)) / 1000).toFixed(1)} s after its end:`,
  );
  await showRules(stage, before);
  await connectFromEverywhere(stage);
  for (const connection of connections) {
    say(`  The connection made before says: "${await connection.say("still here")}".`);
    say("     As in Azure: a rule is asked when a connection begins, not again.");
    connection.end();
  }

  heading("5  What happened, newest first: GET /api/activity");
  await showActivity(stage, new Date(askedAt - 60_000));

  heading("6  Sam takes the policy away: DELETE");
  await stage.as("sam").jitNetworkAccessPolicies.delete(group, location, policyName);
  const after = await showRules(stage);
  say(
    after === before
      ? "Both groups are exactly as they were before the demo."
      : "The groups differ from what they were before: somebody else changed them meanwhile.",
  );
}

function policyBody({ vmId }: Stage): JitNetworkAccessPolicy {
  const terms = {
    protocol: "TCP",
    allowedSourceAddressPrefix: "*",
    maxRequestAccessDuration: "PT3H",
  };
  return {
    kind: "Basic",
    virtualMachines: [
      {
        id: vmId,
        ports: [
          { number: 22, ...terms },
          { number: 3389, ...terms },
        ],
      },
    ],
  };
}

function initiateBody({ vmId, seconds }: Stage) {
  const endTimeUtc = new Date(Date.now() + seconds * 1000);
  return {
    virtualMachines: [
      { id: vmId, ports: [{ number: 22, endTimeUtc, allowedSourceAddressPrefix: source }] },
    ],
    justification: "Looking at the demo",
  };
}

/** Prints the rules of both groups, those that `known` does not hold marked, and answers what it printed. */
async function showRules({ network, nsgs }: Stage, known = ""): Promise<string> {
  const lines: string[] = [];
  for (const nsg of nsgs) {
    const rules: SecurityRule[] = [];
    for await (const rule of network.securityRules.list(nsg.group, nsg.name)) {
      rules.push(rule);
    }
    const inbound = rules
      .filter((rule) => rule.direction === "Inbound")
      .sort((left, right) => (left.priority ?? 0) - (right.priority ?? 0));
    lines.push(`  ${nsg.name}`, ...inbound.map((rule) => `     ${describeRule(rule)}`));
  }
  for (const line of lines) {
    say(known === "" || known.includes(line) ? line : `  => ${line.trimStart()}`);
  }
  return lines.join("\n");
}

function describeRule(rule: SecurityRule): string {
  const source = rule.sourceAddressPrefix ?? rule.sourceAddressPrefixes?.join(",") ?? "";
  const destination =
    rule.destinationAddressPrefix ?? rule.destinationAddressPrefixes?.join(",") ?? "";
  const ports = rule.destinationPortRange ?? rule.destinationPortRanges?.join(",") ?? "";
  const groups = rule.destinationApplicationSecurityGroups?.length
    ? "application security group"
    : "";
  return `${String(rule.priority).padStart(4)}  ${(rule.access ?? "").padEnd(5)}  ${(rule.protocol ?? "").padEnd(3)}  ${source || "*"} -> ${destination || groups || "*"} : ${ports || "*"}   ${rule.name}`;
}

/** Connects to the machine's SSH port for real, as each client that the estate has for it, and answers what was let in. */
async function connectFromEverywhere({ endpoints, vmId }: Stage): Promise<EchoConnection[]> {
  const letIn: EchoConnection[] = [];
  for (const port of await readMachinePorts(endpoints)) {
    if (port.virtualMachine !== vmId || port.port !== 22 || port.backend !== "echo") continue;
    const connection = await tryToConnect(port.address);
    const outcome =
      connection === undefined
        ? `turned away by ${port.decidedBy.at(-1)?.rule}`
        : `let in: "${connection.greeting}"`;
    say(`  A connection to ${nameOf(port)} from ${port.source} (${port.address}): ${outcome}`);
    if (connection !== undefined) letIn.push(connection);
  }
  return letIn;
}

async function untilStatus(stage: Stage, wanted: string): Promise<void> {
  const giveUpAt = Date.now() + 60_000;
  while (Date.now() < giveUpAt) {
    const policy = await stage
      .as("alice")
      .jitNetworkAccessPolicies.get(group, location, policyName);
    if (policy.requests?.[0]?.virtualMachines[0]?.ports[0]?.status === wanted) {
      return;
    }
    await pauseFor(100);
  }
  throw new Error(
    `The request did not come to be ${wanted} within a minute; see host.log in the data folder.`,
  );
}

async function countdown(end: Date): Promise<void> {
  while (end.getTime() > Date.now()) {
    const seconds = Math.ceil((end.getTime() - Date.now()) / 1000);
    if (process.stdout.isTTY) {
      process.stdout.write(`\r  open for ${seconds} more seconds … `);
    } else if (seconds % 5 === 0) {
      say(`  open for ${seconds} more seconds …`);
    }
    await pauseFor(Math.min(1000, Math.max(1, end.getTime() - Date.now())));
  }
  say(process.stdout.isTTY ? "\r  the time is over.            " : "  the time is over.");
}

interface Fact {
  readonly at: string;
  readonly operation: string;
  readonly outcome: string;
  readonly port?: number;
  readonly actor?: { readonly name: string };
}

async function showActivity(stage: Stage, from: Date): Promise<void> {
  const { credential, tlsOptions } = await signIn(
    stage.endpoints,
    "rita",
    stage.endpoints.audience,
  );
  const token = (await credential.getToken([]))?.token ?? "";
  const query = new URLSearchParams({ vm: stage.vmId, from: from.toISOString(), top: "20" });
  const { value } = await getJson<{ value: Fact[] }>(
    `${stage.endpoints.apiHttps}/api/activity?${query}`,
    { ca: tlsOptions.ca, token },
  );
  for (const fact of value) {
    const what = `${fact.operation} ${fact.outcome}`.padEnd(24);
    const port = fact.port === undefined ? "" : `port ${fact.port}`;
    say(`  ${fact.at}  ${what} ${port.padEnd(10)} ${fact.actor?.name ?? "(the service itself)"}`);
  }
}

function heading(text: string): void {
  say(`\n── ${text} ──`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
