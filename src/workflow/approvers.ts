import { isListed } from "../access/auto-approval.ts";
import { type AccessRequest, isSamePerson } from "../access/request.ts";
import type { Principal } from "../caller/caller.ts";
import type { PeopleAndGroups } from "../policy/access-rules.ts";
import type { Directory, Freshness } from "../ports.ts";

/** Whether somebody is in one of the circles, by name or through a group, and not the one whose request it is. */
export async function isIn(
  circles: readonly PeopleAndGroups[],
  who: Principal,
  request: AccessRequest,
  directory: Directory,
  freshness?: Freshness,
): Promise<boolean> {
  if (circles.length === 0 || isSamePerson(who, request.requestor)) {
    return false;
  }
  const ids = circles.flatMap(({ groups }) => groups.map(({ objectId }) => objectId.toLowerCase()));
  const groups =
    ids.length === 0 ? none : await directory.groupsOf(who, [...new Set(ids)], freshness);
  return circles.some((circle) => isListed(circle, who, groups));
}

const none: ReadonlySet<string> = new Set();
