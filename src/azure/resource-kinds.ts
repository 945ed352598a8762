import { z } from "zod";

/** The API version in which network resources are read and written, alone and in lists: a gate goes back as it was read. */
export const networkVersion = "2026-01-01";

/** A kind of network resource: what its ids look like, and what this service reads of it. */
export interface Kind<T> {
  readonly name: string;
  /** The last part of its type; lists of a subscription are under it. */
  readonly type: string;
  readonly schema: z.ZodType<T>;
}

/** A reference to another resource; Azure leaves it out, or its id. */
export const reference = z.object({ id: z.string().nullish() }).nullish();
const text = z.string().nullish();
const texts = z.array(z.string()).nullish();

/** A public IP address. */
export const publicIpKind = {
  name: "public IP address",
  type: "publicIPAddresses",
  schema: z.object({ properties: z.object({ ipAddress: text }) }),
} satisfies Kind<unknown>;

/** A route table. */
export const routeTableKind = {
  name: "route table",
  type: "routeTables",
  schema: z.object({
    properties: z
      .object({
        routes: z
          .array(
            z.object({
              properties: z
                .object({ addressPrefix: text, nextHopType: text, nextHopIpAddress: text })
                .nullish(),
            }),
          )
          .nullish(),
      })
      .nullish(),
  }),
} satisfies Kind<unknown>;

/** A virtual network with its subnets and peerings. */
export const virtualNetworkKind = {
  name: "virtual network",
  type: "virtualNetworks",
  schema: z.object({
    id: z.string(),
    properties: z.object({
      subnets: z
        .array(
          z.object({
            id: z.string(),
            name: text,
            properties: z
              .object({
                addressPrefix: text,
                addressPrefixes: texts,
                networkSecurityGroup: reference,
                routeTable: reference,
                ipConfigurations: z.array(z.object({ id: text })).nullish(),
              })
              .nullish(),
          }),
        )
        .nullish(),
      virtualNetworkPeerings: z
        .array(
          z.object({
            properties: z
              .object({
                peeringState: text,
                remoteVirtualNetwork: reference,
                remoteAddressSpace: z.object({ addressPrefixes: texts }).nullish(),
              })
              .nullish(),
          }),
        )
        .nullish(),
    }),
  }),
} satisfies Kind<unknown>;

/** A firewall, as far as its place in the network goes. Its rules are read by `firewall-json.ts`. */
export const firewallKind = {
  name: "firewall",
  type: "azureFirewalls",
  schema: z.object({
    id: z.string(),
    properties: z.object({
      provisioningState: text,
      sku: z.object({ name: text }).nullish(),
      virtualHub: reference,
      firewallPolicy: reference,
      ipConfigurations: z
        .array(
          z.object({
            properties: z
              .object({ privateIPAddress: text, subnet: reference, publicIPAddress: reference })
              .nullish(),
          }),
        )
        .nullish(),
    }),
  }),
} satisfies Kind<unknown>;

/** {@link firewallKind}, read. */
export type Firewall = z.infer<typeof firewallKind.schema>;

/** A firewall policy without its rules, which stand in groups of their own. */
export const firewallPolicyKind = {
  name: "firewall policy",
  type: "firewallPolicies",
  schema: z.object({
    id: z.string(),
    name: z.string(),
    properties: z.object({
      provisioningState: text,
      basePolicy: reference,
      firewalls: z.array(z.object({ id: z.string() })).nullish(),
      ruleCollectionGroups: z.array(z.object({ id: text })).nullish(),
    }),
  }),
} satisfies Kind<unknown>;

/** {@link firewallPolicyKind}, read. */
export type FirewallPolicy = z.infer<typeof firewallPolicyKind.schema>;

/** An IP group: addresses under a name. */
export const ipGroupKind = {
  name: "IP group",
  type: "ipGroups",
  schema: z.object({ properties: z.object({ ipAddresses: texts }) }),
} satisfies Kind<unknown>;

/** A network security group; its rules are read by `nsg-json.ts`. */
export const securityGroupKind = {
  name: "network security group",
  type: "networkSecurityGroups",
  schema: z.unknown(),
} satisfies Kind<unknown>;

/** The item of a list itself, not a parsed copy: a copy would lack what we do not know. */
export const anyItem = z.custom<{ readonly id: string }>(
  (raw) => z.object({ id: z.string() }).safeParse(raw).success,
);

/** A rule collection group of a firewall policy; its rules are read by `firewall-json.ts`. */
export const ruleGroupKind = {
  name: "rule collection group",
  type: "firewallPolicies/ruleCollectionGroups",
  schema: z.unknown(),
} satisfies Kind<unknown>;

/**
 * The address of a resource, or of what is `below` it. Throws over an id of another kind ({@link isIdOf}).
 *
 * NB. Ids are data from elsewhere: every segment is encoded and none may climb, so that no id leads to another resource.
 */
export function resourceUrl(id: string, kind: Omit<Kind<unknown>, "schema">, below = ""): string {
  const path = `${id}/${below}`.replace(/\/$/, "");
  if (!isIdOf(id, kind) || climbs(path)) {
    throw new Error(`'${id}' is not the id of a ${kind.name}.`);
  }
  return `${path.split("/").map(encodeURIComponent).join("/")}?api-version=${networkVersion}`;
}

/** Whether an id is one of this kind. One that climbs is of none: where it leads would be another resource. */
export function isIdOf(id: string, { type }: Pick<Kind<unknown>, "type">): boolean {
  return patternOf(type).test(id) && !climbs(id);
}

const climbs = (path: string): boolean =>
  path.split("/").some((segment) => segment === "." || segment === "..");

const patterns = new Map<string, RegExp>();

function patternOf(type: string): RegExp {
  const names = type.split("/").map((part) => `${part}/[^/]+`);
  const pattern =
    patterns.get(type) ??
    new RegExp(
      `^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\\.Network/${names.join("/")}$`,
      "i",
    );
  patterns.set(type, pattern);
  return pattern;
}
