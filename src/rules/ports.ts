import { readOnce } from "./read-once.ts";

interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Nothing for an entry that speaks about every port: `*`, or a malformed one, which Azure does not let in. */
function readEntry(entry: string): PortRange | undefined {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(entry.trim()) ?? [];
  return first === undefined ? undefined : { first: Number(first), last: Number(last) };
}

const readPorts = readOnce(readEntry);

/** Whether a security rule's port list (`22`, `8000-8080`, `*`) speaks about a port. A malformed entry, which Azure does not let in, speaks about every port. */
export function portListIncludes(list: readonly string[], port: number): boolean {
  return readPorts(list).some(
    (range) => range === undefined || (range.first <= port && port <= range.last),
  );
}

/** Whether the list speaks about any of the ports. */
export function portListTouches(list: readonly string[], ports: readonly number[]): boolean {
  return ports.some((port) => portListIncludes(list, port));
}
