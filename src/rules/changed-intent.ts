import { idKey } from "../policy/resource-id.ts";
import type { IntentChange } from "../ports.ts";
import type { DesiredWindow, GateIntent } from "./intent.ts";

/** What should be true of a gate after a change: what the change removes goes before what it adds. */
export function changedIntent(intent: GateIntent, change: IntentChange): GateIntent {
  const { denies, addWindows = [], removeWindows = [], removeWindowsOfPolicy } = change;
  const { addLeftovers = [] } = change;
  const gone = new Set([...removeWindows, ...addWindows.map((window) => window.windowId)]);
  const stays = ({ windowId, policyId }: DesiredWindow) =>
    !gone.has(windowId) &&
    (removeWindowsOfPolicy === undefined || idKey(policyId) !== idKey(removeWindowsOfPolicy));
  const others = intent.denies.filter(
    (deny) => denies === undefined || idKey(deny.policyId) !== idKey(denies.policyId),
  );
  const names = new Set(addLeftovers.map(({ name }) => name.toLowerCase()));
  const leftovers = [
    ...(intent.leftovers ?? []).filter(({ name }) => !names.has(name.toLowerCase())),
    ...addLeftovers,
  ];
  return {
    denies: [...others, ...(denies?.rows ?? [])],
    windows: [...intent.windows.filter(stays), ...addWindows],
    ...(leftovers.length === 0 ? {} : { leftovers }),
  };
}
