import { isObject } from "../../answers.ts";
import type { ArmResource } from "../../estate.ts";
import { locationOf } from "../location.ts";
import { networkType } from "../references.ts";
import { unreadable } from "../rule-errors.ts";
import { checkName } from "../validate-rule.ts";
import { isAddressOrRange } from "./addresses.ts";
import { badAddress, tooManyAddresses } from "./errors.ts";
import { texts } from "./rules.ts";

/** https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits#azure-firewall-limits */
const mostAddresses = 5_000;

/** An IP group as a PUT leaves it. Throws Azure's refusal of the first fault found. */
export function wholeIpGroup(
  id: string,
  before: ArmResource | undefined,
  body: Readonly<Record<string, unknown>>,
): ArmResource {
  const name = before?.name ?? id.slice(id.lastIndexOf("/") + 1);
  checkName(name);
  const given = body["properties"] ?? {};
  if (!isObject(given)) throw unreadable("Property 'properties' must be an object.");
  const addresses = texts(given, "ipAddresses");
  if (addresses.length > mostAddresses) throw tooManyAddresses(id, mostAddresses);
  for (const address of addresses) {
    if (!isAddressOrRange(address)) throw badAddress(name, address);
  }
  const {
    provisioningState: _state,
    firewalls: _firewalls,
    firewallPolicies: _policies,
    ...properties
  } = given;
  const { etag: _etag, ...members } = body;
  return {
    ...members,
    id: before?.id ?? id,
    name,
    type: networkType.ipGroup,
    location: locationOf(id, before, body["location"]),
    properties: { ...properties, provisioningState: "Updating" },
  };
}
