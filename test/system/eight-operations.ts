/** A program of its own, because the SDK client cannot be loaded by Jest: does all eight operations and prints what came back. */
import { SecurityCenter } from "@azure/arm-security";
import { readEndpoints } from "../../local/endpoints.ts";
import { signIn } from "../../local/sign-in.ts";

const endpoints = await readEndpoints(process.argv[2] ?? "");
const { credential, tlsOptions } = await signIn(endpoints, "olivia", endpoints.audience);
const client = new SecurityCenter(credential, endpoints.subscriptionId, {
  endpoint: endpoints.apiHttps,
  credentialScopes: [`${endpoints.audience}/.default`],
  tlsOptions,
}).jitNetworkAccessPolicies;

const [group, location, name] = ["rg-demo", "westeurope", "eight"] as const;
const id = `/subscriptions/${endpoints.subscriptionId}/resourceGroups/${group}/providers/Microsoft.Compute/virtualMachines/vm-windows`;
const port = {
  number: 3389,
  protocol: "TCP",
  allowedSourceAddressPrefix: "*",
  maxRequestAccessDuration: "PT3H",
};

const put = await client.createOrUpdate(group, location, name, {
  kind: "Basic",
  virtualMachines: [{ id, ports: [port] }],
});
const initiated = await client.initiate(group, location, name, {
  virtualMachines: [
    {
      id,
      ports: [
        {
          number: 3389,
          endTimeUtc: new Date(Date.now() + 600_000),
          allowedSourceAddressPrefix: "192.0.2.7",
        },
      ],
    },
  ],
  justification: "eight",
});
const got = await client.get(group, location, name);
const lists = {
  subscription: await names(client.list()),
  location: await names(client.listByRegion(location)),
  group: await names(client.listByResourceGroup(group.toUpperCase())),
  groupAndLocation: await names(client.listByResourceGroupAndRegion(group, location)),
  otherLocation: await names(client.listByRegion("northeurope")),
};
await client.delete(group, location, name);
// Deleting what is gone is no error: the service answers 204.
await client.delete(group, location, name);

process.stdout.write(
  JSON.stringify({ put, initiated, got, lists, left: await names(client.list()) }),
);

async function names(
  policies: AsyncIterable<{ name?: string }>,
): Promise<readonly (string | undefined)[]> {
  const all: (string | undefined)[] = [];
  for await (const policy of policies) {
    all.push(policy.name);
  }
  return all;
}
