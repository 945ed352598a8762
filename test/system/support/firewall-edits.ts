import type { FaultOrder } from "../../../local/cloud/faults/fault.ts";
import { until } from "../user.ts";
import { type BehindFirewalls, isOurs, type Place, settledText } from "./behind-firewalls.ts";
import { FaultWatch } from "./fault-watch.ts";

/** What came of a customer's edit of the classic firewall in the middle of our write. */
export interface Edited {
  readonly status: number;
  /** The firewall without what changes by itself: with their edit and without our window, as it should be and as it is. */
  readonly wanted: string;
  readonly seen: string;
  readonly greeting: string;
}

/** How long an answer is held back while the customer writes, in milliseconds: less than their update takes. */
const heldMs = 400;

/**
 * A customer adds a rule to the classic firewall between two of our calls: while the answer to our `read`th read of it is held
 * back, 1 being the one by which the write is planned, 2 the last look before it. The VM is protected by the policy.
 */
export async function editBetween(
  estate: BehindFirewalls,
  policy: string,
  place: Place,
  read: 1 | 2,
): Promise<Edited> {
  const path = estate.firewallPath(place);
  const ruleName = `added-at-${read}`;
  const guarded = (await estate.user.arm(path)).body;
  const id = await estate.ask(policy, place, 600);
  const window = await estate.untilOpen(id);
  const open = (await estate.user.arm(path)).body;
  const faults = await FaultWatch.on(estate.system.endpoints);
  const match = { method: "GET", path: `/azureFirewalls/${place.firewall}?` };
  for (let before = 1; before < read; before += 1) {
    await faults.arm({ match, kind: "slow", delayMs: 0 });
  }
  await faults.arm({ match, kind: "slow", delayMs: heldMs });
  await estate.user.act("olivia", id, "revoke");
  await until(
    async () => (await faults.faults()).filter(({ match }) => isAbout(match, place)),
    (armed) => armed.every(({ struck }) => struck > 0),
  );
  const { status } = await estate.user.armPut(path, withRule(open, ruleName));
  await estate.untilClosed(id);
  return {
    status,
    wanted: settledText(withRule(guarded, ruleName)),
    seen: settledText((await estate.user.arm(path)).body),
    greeting: await estate.greetingOf(window),
  };
}

/** NB. Others edit other firewalls meanwhile. */
const isAbout = (match: FaultOrder["match"], { firewall }: Place): boolean =>
  typeof match === "object" && match.path === `/azureFirewalls/${firewall}?`;

interface ClassicFirewall {
  readonly id: string;
  readonly properties: {
    readonly networkRuleCollections: readonly {
      readonly name: string;
      readonly properties: { readonly rules: readonly object[] };
    }[];
  };
}

/** The firewall with another rule in the first collection of the customer's. */
function withRule(firewall: ClassicFirewall, name: string): ClassicFirewall {
  const rule = {
    name,
    protocols: ["TCP"],
    sourceAddresses: ["10.20.9.0/24"],
    destinationAddresses: ["10.20.1.0/24"],
    destinationPorts: ["9100"],
  };
  const { properties } = firewall;
  const first = properties.networkRuleCollections.find((one) => !isOurs(one));
  return {
    ...firewall,
    properties: {
      ...properties,
      networkRuleCollections: properties.networkRuleCollections.map((one) =>
        one === first
          ? { ...one, properties: { ...one.properties, rules: [...one.properties.rules, rule] } }
          : one,
      ),
    },
  };
}
