import { isObject } from "../../answers.ts";
import type { ArmResource } from "../../estate.ts";
import type { Resources } from "../../resources.ts";
import { sameText } from "../../resources.ts";
import { locationOf } from "../location.ts";
import { type Child, childrenOf, networkType, pointer } from "../references.ts";
import { unreadable } from "../rule-errors.ts";
import { checkName } from "../validate-rule.ts";
import { firstUsableAddress } from "./addresses.ts";
import {
  type Collection,
  checkAction,
  checkApart,
  checkNames,
  readCollection,
} from "./collections.ts";
import { checkDnatLimit } from "./dnat-limit.ts";
import { badReference, foreignDestination, policyAndRules } from "./errors.ts";
import { exists, publicAddressesOf, subnetAt } from "./exists.ts";
import { checkRule, type RuleKind, texts } from "./rules.ts";
import { collectionArrays } from "./views.ts";

type Json = Readonly<Record<string, unknown>>;

const kinds: Readonly<Record<(typeof collectionArrays)[number], RuleKind>> = {
  applicationRuleCollections: "application",
  natRuleCollections: "nat",
  networkRuleCollections: "network",
};

/**
 * A whole firewall as a PUT leaves it: every writable member is the body's, members that the caller leaves out are gone,
 * unknown ones are kept. Read-only members of the body are ignored. Throws Azure's refusal of the first fault found.
 */
export function wholeFirewall(
  id: string,
  before: ArmResource | undefined,
  body: Json,
  resources: Resources,
): ArmResource {
  const name = before?.name ?? id.slice(id.lastIndexOf("/") + 1);
  checkName(name);
  const given = body["properties"] ?? {};
  if (!isObject(given)) throw unreadable("Property 'properties' must be an object.");
  const { provisioningState: _state, ipGroups: _groups, ...properties } = given;
  const { etag: _etag, ...members } = body;
  const firewall: ArmResource = {
    ...members,
    id: before?.id ?? id,
    name,
    type: networkType.firewall,
    location: locationOf(id, before, body["location"]),
    properties: {
      ...properties,
      ...ipConfigurations(properties, before, resources),
      ...cleanCollections(properties),
      provisioningState: "Updating",
    },
  };
  checkReferences(firewall, resources);
  checkCollections(firewall, resources);
  return firewall;
}

/** NB. The private address is Azure's to give: what the body says of it is not listened to. */
function ipConfigurations(
  properties: Json,
  before: ArmResource | undefined,
  resources: Resources,
): Json {
  const configurations = childrenIn(properties, "ipConfigurations");
  if (configurations === undefined) return {};
  const held = before === undefined ? [] : childrenOf(before, "ipConfigurations");
  return {
    ipConfigurations: configurations.map((configuration) => {
      const { privateIPAddress: _given, ...rest } = configuration.properties;
      const former = held.find(({ name }) => sameText(name, configuration.name));
      const address = former?.properties["privateIPAddress"] ?? addressIn(rest, resources);
      return {
        ...configuration,
        properties: address === undefined ? rest : { privateIPAddress: address, ...rest },
      };
    }),
  };
}

function addressIn(properties: Json, resources: Resources): string | undefined {
  const prefix = pointer(properties, "subnet")
    .map((id) => subnetAt(resources, id)?.properties["addressPrefix"])
    .find((each) => typeof each === "string");
  return prefix === undefined ? undefined : firstUsableAddress(prefix);
}

function cleanCollections(properties: Json): Json {
  const given = collectionArrays.map((array) => [array, childrenIn(properties, array)] as const);
  return Object.fromEntries(given.filter(([, children]) => children !== undefined));
}

/** The children of an array of the body without their read-only members; undefined when the body leaves it out. */
function childrenIn(properties: Json, array: string): readonly Child[] | undefined {
  const given = properties[array];
  if (given === undefined || given === null) return undefined;
  if (!Array.isArray(given)) throw unreadable(`Property '${array}' must be an array.`);
  return given.map((child: unknown) => {
    if (!isObject(child) || typeof child["name"] !== "string" || !isObject(child["properties"])) {
      throw unreadable(`'name' and 'properties' are required in a member of '${array}'.`);
    }
    const { id: _id, etag: _etag, type: _type, ...members } = child;
    const { provisioningState: _state, ...own } = child["properties"];
    return { ...members, name: child["name"], properties: own };
  });
}

function checkReferences(firewall: ArmResource, resources: Resources): void {
  const configurations = childrenOf(firewall, "ipConfigurations");
  checkNames(
    firewall.id,
    configurations.map(({ name }) => name),
  );
  const referenced = [
    ...pointer(firewall.properties, "firewallPolicy"),
    ...configurations.flatMap(({ properties }) => [
      ...pointer(properties, "subnet"),
      ...pointer(properties, "publicIPAddress"),
    ]),
  ];
  for (const id of referenced) if (!exists(resources, id)) throw badReference(id, firewall.id);
}

function checkCollections(firewall: ArmResource, resources: Resources): void {
  const context = { spelling: "protocols", exists: (id: string) => exists(resources, id) } as const;
  for (const array of collectionArrays) {
    const kind = kinds[array];
    const collections = childrenOf(firewall, array).map((child) =>
      readCollection(child.name, child.properties),
    );
    if (collections.length > 0 && pointer(firewall.properties, "firewallPolicy").length > 0) {
      throw policyAndRules(firewall.name);
    }
    checkApart(`${firewall.id}/${array}`, collections);
    for (const { name, action, rules } of collections) {
      checkAction(name, action, kind === "nat" ? ["Dnat"] : ["Allow", "Deny"]);
      for (const rule of rules) checkRule(kind, rule, context);
    }
    if (kind === "nat") checkDnat(firewall, collections, resources);
  }
}

function checkDnat(
  firewall: ArmResource,
  collections: readonly Collection[],
  resources: Resources,
): void {
  const addresses = publicAddressesOf(firewall, resources);
  const rules = collections.flatMap((collection) => collection.rules);
  for (const rule of rules) {
    for (const address of texts(rule, "destinationAddresses")) {
      if (!addresses.includes(address)) throw foreignDestination(String(rule["name"]), address);
    }
  }
  checkDnatLimit(
    firewall.id,
    addresses.length,
    rules.map((rule) => ({ rule, spelling: "protocols" })),
  );
}
