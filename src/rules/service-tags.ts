import { type AddressSet, everything, nothing, setOf, union, without } from "./effective-ranges.ts";

/** Addresses of which a rule's list speaks `certainly`, and those of which it speaks `possibly`: these hold the certain ones. */
export interface Reach {
  readonly certainly: AddressSet;
  readonly possibly: AddressSet;
}

/** What is known about the virtual network in which a rule is read. */
export interface Surroundings {
  readonly family: 4 | 6;
  /** The VM itself has a public address for its private one: then any public address may be the virtual network's. */
  readonly hasPublicSpace: boolean;
}

const nowhere: Reach = { certainly: nothing, possibly: nothing };
export const anywhere = ({ family }: Surroundings): Reach => certain(everything[family]);
export const perhapsAnywhere = ({ family }: Surroundings): Reach => perhaps(everything[family]);

const certain = (set: AddressSet): Reach => ({ certainly: set, possibly: set });
const perhaps = (set: AddressSet): Reach => ({ certainly: nothing, possibly: set });

/** Space for private networks alone. */
const privateSpace = {
  4: setOf(4, ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]),
  6: setOf(6, ["fc00::/7"]),
};

/** Neither clearly private nor clearly public: shared, local, the host's own address, multicast and reserved space. */
const greySpace = {
  4: setOf(4, [
    ...["0.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16", "169.254.0.0/16"],
    "224.0.0.0/3",
  ]),
  6: setOf(6, ["::/8", "fe80::/10", "ff00::/8"]),
};

const notPrivate = {
  4: without(everything[4], privateSpace[4]),
  6: without(everything[6], privateSpace[6]),
};

/** Addresses that are clearly public. */
export const publicSpace: Readonly<Record<4 | 6, AddressSet>> = {
  4: without(notPrivate[4], greySpace[4]),
  6: without(notPrivate[6], greySpace[6]),
};

/** Where Azure's health probes come from. The IPv6 address is link-local; which one is not relied upon. */
const loadBalancer = {
  4: certain(setOf(4, ["168.63.129.16"])),
  6: perhaps(setOf(6, ["fe80::/10"])),
};

/** Letters and digits in parts, such as `Storage.WestEurope`; classic names have underscores. */
const tagShape = /^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$/i;

/**
 * The sources of which a service tag speaks. What is no tag, and cannot be read, may speak of everybody.
 *
 * NB. The tags `VirtualNetwork` and `Internet` depend on address spaces, peerings and routes that a group does not tell.
 * A virtual network is taken to hold no public space unless the VM's own address is public: a rule for `VirtualNetwork` does not
 * speak of public sources then, and may speak of any other. A route of 0.0.0.0/0 into the network is left out of account; else no group would tell
 * anything about the Internet.
 */
export function taggedSources(tag: string, surroundings: Surroundings): Reach {
  const { family, hasPublicSpace } = surroundings;
  switch (kindOf(tag)) {
    case "internet":
      return {
        certainly: hasPublicSpace ? nothing : publicSpace[family],
        possibly: notPrivate[family],
      };
    case "virtualnetwork":
      return neighbours(surroundings);
    case "azureloadbalancer":
      return loadBalancer[family];
    case "service":
      return perhaps(notPrivate[family]);
    case "unreadable":
      return perhapsAnywhere(surroundings);
  }
}

/** Sources inside the virtual network, such as the members of an application security group. */
export function neighbours({ family, hasPublicSpace }: Surroundings): Reach {
  return perhaps(
    hasPublicSpace ? everything[family] : without(everything[family], publicSpace[family]),
  );
}

/** The destinations of which a service tag speaks, among the private addresses of VMs: all of these are in a virtual network. */
export function taggedDestinations(tag: string, surroundings: Surroundings): Reach {
  switch (kindOf(tag)) {
    case "virtualnetwork":
      return anywhere(surroundings);
    case "internet":
    case "azureloadbalancer":
      return nowhere;
    case "service":
      return perhaps(notPrivate[surroundings.family]);
    case "unreadable":
      return perhapsAnywhere(surroundings);
  }
}

/** NB. Tags other than the named ones list public addresses of Azure's services: never private space. */
function kindOf(
  tag: string,
): "internet" | "virtualnetwork" | "azureloadbalancer" | "service" | "unreadable" {
  if (!tagShape.test(tag)) {
    return "unreadable";
  }
  const name = tag.toLowerCase().replaceAll("_", "");
  return name === "internet" || name === "virtualnetwork" || name === "azureloadbalancer"
    ? name
    : "service";
}

/** What several entries of one list speak of together. */
export function together(reaches: readonly Reach[]): Reach {
  return {
    certainly: union(reaches.flatMap((reach) => reach.certainly)),
    possibly: union(reaches.flatMap((reach) => reach.possibly)),
  };
}
