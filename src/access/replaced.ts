import { idKey } from "../policy/resource-id.ts";
import { type AccessRequest, isSamePerson, type Window } from "./request.ts";

/** A window with the request it belongs to. */
export interface Asked {
  readonly request: AccessRequest;
  readonly window: Window;
}

/**
 * Whether the newer window takes the older one's place: the same person asked again for the same port of the same VM from
 * the same sources. Whoever asks again says anew until when; windows of other people, ports or sources stay as they are.
 */
export function replaces(newer: Asked, older: Asked): boolean {
  return (
    isSamePerson(newer.request.requestor, older.request.requestor) &&
    (isSameDoor(newer.window, older.window) || isFollowed(newer, older)) &&
    orderOf(newer.request) > orderOf(older.request)
  );
}

/** Whether two windows open the same thing: VM, port, protocol and sources, in whatever order. */
export function isSameDoor(
  one: Pick<Window, "vmId" | "port" | "protocol" | "sources">,
  other: Pick<Window, "vmId" | "port" | "protocol" | "sources">,
): boolean {
  return (
    idKey(one.vmId) === idKey(other.vmId) &&
    one.port === other.port &&
    one.protocol === other.protocol &&
    one.sources.toSorted().join() === other.sources.toSorted().join()
  );
}

/** A request that was asked to take another's place does so whatever its sources are. */
function isFollowed(newer: Asked, older: Asked): boolean {
  return (
    newer.request.follows?.requestId === older.request.id &&
    idKey(newer.window.vmId) === idKey(older.window.vmId) &&
    newer.window.port === older.window.port &&
    newer.window.protocol === older.window.protocol
  );
}

/** Requests of the same moment have an order too, so that of two one certainly goes. */
const orderOf = (request: AccessRequest): string =>
  `${new Date(request.createdAt).toISOString()} ${request.id}`;
