import { idKey } from "./arm-id.ts";
import type { Estate } from "./estate.ts";
import { ipGroupsNamedIn } from "./network/firewall/users.ts";
import { networkType } from "./network/references.ts";
import { sameText } from "./resources.ts";

/** Rule collection groups without a policy, and IP groups that rules name by text but that are not there. */
export function firewallFaults({ resources }: Estate): string[] {
  const known = new Set(resources.map(({ id }) => idKey(id)));
  return resources.flatMap((resource, index) => {
    const parent = resource.id.split("/").slice(0, -2).join("/");
    const isOrphan =
      sameText(resource.type, networkType.ruleCollectionGroup) && !known.has(idKey(parent));
    const missing = ipGroupsNamedIn(resource.properties).filter((id) => !known.has(idKey(id)));
    return [
      ...(isOrphan ? [`there is no resource '${parent}'\n  → at resources[${index}].id`] : []),
      ...missing.map((id) => `there is no resource '${id}'\n  → at resources[${index}].properties`),
    ];
  });
}
