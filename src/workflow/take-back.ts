import type { Window } from "../access/request.ts";
import type { GateStore } from "../ports.ts";

/**
 * Windows that are not to be open any more are wanted no longer on any of their gates: from now on nobody who settles one opens
 * them, and whoever looks after them proves that they are closed. Safe to run twice.
 */
export async function takeBack(
  { gates }: { readonly gates: GateStore },
  windows: readonly Window[],
): Promise<void> {
  const gateIds = [...new Set(windows.flatMap((window) => window.gates ?? []))];
  await Promise.all(
    gateIds.map((gateId) => {
      const removeWindows = windows
        .filter((window) => window.gates?.includes(gateId))
        .map((window) => window.id);
      return gates.change(gateId, { removeWindows });
    }),
  );
}
