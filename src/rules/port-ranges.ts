/** Ports from the first to the last, both included. */
export type PortRange = readonly [first: number, last: number];

/** The ports of a rule's list. */
export interface ReadPorts {
  readonly ranges: readonly PortRange[];
  /** Whether an entry, or the want of any, says nothing that can be read: then it may speak of every port. */
  readonly isUnreadable: boolean;
}

const known = new WeakMap<readonly string[], ReadPorts>();

/** Reads a port list (`22`, `8000-8080`, `*`), once: a plan compares each of hundreds of rules with each other. */
export function readPorts(list: readonly string[]): ReadPorts {
  const before = known.get(list);
  if (before !== undefined) {
    return before;
  }
  const ranges = list.flatMap((entry) => {
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(
      entry === "*" ? "0-65535" : entry.trim(),
    ) ?? [undefined, undefined];
    return first === undefined ? [] : [[Number(first), Number(last)] as const];
  });
  const answer = { ranges, isUnreadable: ranges.length < list.length || list.length === 0 };
  known.set(list, answer);
  return answer;
}

/** Whether a list speaks of a port for certain. */
export function portsInclude(list: readonly string[], port: number): boolean {
  return readPorts(list).ranges.some(([first, last]) => first <= port && port <= last);
}

/** Whether two lists may speak of the same port. */
export function portsMayMeet(left: readonly string[], right: readonly string[]): boolean {
  const [one, other] = [readPorts(left), readPorts(right)];
  return (
    one.isUnreadable ||
    other.isUnreadable ||
    one.ranges.some(([first, last]) =>
      other.ranges.some((range) => range[0] <= last && first <= range[1]),
    )
  );
}
