/** Whether a security rule's port list (`22`, `8000-8080`, `*`) speaks about a port. A malformed entry, which Azure does not let in, speaks about every port. */
export function portListIncludes(list: readonly string[], port: number): boolean {
  return list.some((entry) => {
    if (entry === "*") {
      return true;
    }
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(entry.trim());
    if (match === null) {
      return true;
    }
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    return first <= port && port <= last;
  });
}

/** Whether the list speaks about any of the ports. */
export function portListTouches(list: readonly string[], ports: readonly number[]): boolean {
  return ports.some((port) => portListIncludes(list, port));
}
