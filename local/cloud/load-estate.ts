import { readFile } from "node:fs/promises";
import { z } from "zod";
import { idKey } from "./arm-id.ts";
import { dataPlaneEntry, unknownTargets } from "./data-plane/entry-shape.ts";
import type { Estate } from "./estate.ts";
import { firewallFaults } from "./estate-firewalls.ts";
import { identityFaults } from "./estate-identities.ts";

const milliseconds = z.int().min(0).max(3_600_000);

const resource = z.looseObject({
  id: z.string().regex(/^\/(subscriptions|providers)\/./, "must be an ARM id"),
  name: z.string().min(1),
  type: z
    .string()
    .regex(/^[\w.]+\/[\w/]+$/, "must be an ARM type like Microsoft.Network/networkInterfaces"),
  location: z.string().min(1).optional(),
  tags: z.record(z.string(), z.string()).optional(),
  properties: z.record(z.string(), z.unknown()),
});

const person = z.strictObject({
  name: z.string().regex(/^[a-z]+$/, "must be a lower-case first name"),
  displayName: z.string().min(1),
  userPrincipalName: z.email(),
  objectId: z.guid(),
  about: z.string(),
  accountEnabled: z.boolean().optional(),
  tenantId: z.guid().optional(),
});

const application = z.strictObject({
  name: z.string().regex(/^[a-z][a-z-]*$/, "must be lower-case letters and hyphens"),
  displayName: z.string().min(1),
  clientId: z.guid(),
  objectId: z.guid(),
  roles: z.array(z.string().min(1)).optional(),
  accountEnabled: z.boolean().optional(),
  about: z.string(),
});

const group = z.strictObject({
  objectId: z.guid(),
  displayName: z.string().min(1),
  members: z.array(z.guid()),
});

const managementGroup = z.strictObject({
  name: z.string().regex(/^[\w.()-]{1,90}$/, "must be a management group's name"),
  displayName: z.string().min(1),
  parent: z.string().optional(),
  subscriptions: z.array(z.guid()).optional(),
});

const estateShape = z.strictObject({
  tenantId: z.guid(),
  subscriptionId: z.guid(),
  otherTenants: z.array(z.guid()).optional(),
  people: z.array(person),
  applications: z.array(application).optional(),
  groups: z.array(group).optional(),
  managementGroups: z.array(managementGroup).optional(),
  application: z.strictObject({ clientId: z.guid(), appIdUri: z.string().min(1) }),
  serviceIdentity: z.strictObject({
    principalId: z.guid(),
    clientId: z.guid(),
    graphPermissions: z.array(z.string().min(1)).optional(),
  }),
  roleDefinitions: z.array(resource),
  roleAssignments: z.array(resource),
  denyAssignments: z.array(resource).optional(),
  resources: z.array(resource),
  dataPlane: z.array(dataPlaneEntry).optional(),
  timing: z
    .strictObject({
      nsgWriteMs: milliseconds.default(1_000),
      firewallUpdateMs: milliseconds.default(5_000),
      readMs: milliseconds.default(0),
      retryAfterSeconds: z.int().min(0).max(600).default(0),
    })
    .prefault({}),
  behaviour: z
    .strictObject({
      parallelWrites: z.enum(["supersede", "retry later", "conflict"]).optional(),
      dnatAgainstDeny: z.enum(["dnat ends", "deny wins"]).optional(),
      firewallIfMatch: z.enum(["honoured", "ignored"]).optional(),
      failedFirewallUpdate: z.enum(["shows what was asked", "shows what was before"]).optional(),
      throttlingScale: z.number().positive().optional(),
      pageSize: z.int().min(1).optional(),
    })
    .optional(),
});

/** Reads and checks an estate file. A bad one throws an Error that lists every fault with its place in the file. */
export async function loadEstate(file: string): Promise<Estate> {
  const parsed = estateShape.safeParse(await readJson(file));
  if (!parsed.success) {
    throw new Error(`${file} is not a valid estate:\n${z.prettifyError(parsed.error)}`);
  }
  const estate = parsed.data as Estate;
  const faults = [
    ...doubles(estate),
    ...identityFaults(estate),
    ...danglingReferences(estate),
    ...unknownTargets(estate),
    ...firewallFaults(estate),
  ];
  if (faults.length > 0) {
    throw new Error(
      `${file} is not a valid estate:\n${faults.map((fault) => `✖ ${fault}`).join("\n")}`,
    );
  }
  return estate;
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw new Error(`The estate ${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/** What has an id or name of its own: nothing may be there twice. */
function doubles(estate: Estate): string[] {
  const { people, applications = [], groups = [], managementGroups = [], dataPlane = [] } = estate;
  const ids = (place: "resources" | "roleDefinitions" | "roleAssignments" | "denyAssignments") =>
    keyed(estate[place] ?? [], `${place}[].id`, ({ id }) => idKey(id));
  const all = [
    ...ids("resources"),
    ...ids("roleDefinitions"),
    ...ids("roleAssignments"),
    ...ids("denyAssignments"),
    ...keyed(people, "people[].name", ({ name }) => name),
    ...keyed(applications, "applications[].name", ({ name }) => name),
    ...keyed(people, "people[].objectId", ({ objectId }) => objectId.toLowerCase()),
    ...keyed(applications, "applications[].objectId", ({ objectId }) => objectId.toLowerCase()),
    ...keyed(groups, "groups[].objectId", ({ objectId }) => objectId.toLowerCase()),
    ...keyed(
      managementGroups,
      "managementGroups[].name",
      ({ name }) => `management group ${name.toLowerCase()}`,
    ),
    ...keyed(dataPlane, "dataPlane[].listen", (entry) =>
      "listenOn" in entry || entry.listen === 0 ? undefined : `port ${entry.listen}`,
    ),
    ...keyed(dataPlane, "dataPlane[].listenOn", (entry) =>
      "listenOn" in entry ? `address ${entry.listenOn}` : undefined,
    ),
  ];
  const seen = new Set<string>();
  return all
    .filter(({ key }) => seen.has(key) || !seen.add(key))
    .map(({ key, path }) => `'${key}' is there twice\n  → at ${path}`);
}

interface Keyed {
  readonly key: string;
  readonly path: string;
}

/** The items that have a key, each with its place in the file. */
function keyed<Item>(
  items: readonly Item[],
  path: string,
  keyOf: (item: Item) => string | undefined,
): Keyed[] {
  return items.flatMap((item, index) => {
    const key = keyOf(item);
    return key === undefined ? [] : [{ key, path: path.replace("[]", `[${index}]`) }];
  });
}

/** Every `{ id }` inside a resource has to lead to a resource of the estate, or to a child of one. */
function danglingReferences(estate: Estate): string[] {
  const known = new Set<string>();
  for (const { id, properties } of estate.resources) {
    known.add(idKey(id));
    for (const [collection, list] of Object.entries(properties)) {
      for (const child of Array.isArray(list) ? list : []) {
        const name = (child as { name?: string } | null)?.name;
        known.add(idKey(`${id}/${collection}/${name}`));
        // A firewall's configurations bear another name in ids than in its JSON.
        if (collection === "ipConfigurations") {
          known.add(idKey(`${id}/azureFirewallIpConfigurations/${name}`));
        }
      }
    }
  }
  return estate.resources.flatMap(({ properties }, index) =>
    references(properties, `resources[${index}].properties`)
      .filter(({ id }) => /^\/subscriptions\//i.test(id) && !known.has(idKey(id)))
      .map(({ id, path }) => `there is no resource '${id}'\n  → at ${path}`),
  );
}

function references(value: unknown, path: string): { id: string; path: string }[] {
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => references(item, `${path}[${index}]`));
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([member, inner]) =>
    member === "id" && typeof inner === "string"
      ? [{ id: inner, path: `${path}.id` }]
      : references(inner, `${path}.${member}`),
  );
}
