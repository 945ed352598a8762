import { idKey } from "../policy/resource-id.ts";
import type { IntentChange } from "../ports.ts";
import { type DesiredWindow, type GateIntent, toldEnd } from "./intent.ts";

/** What should be true of a gate after a change: what the change removes goes before what it adds. */
export function changedIntent(intent: GateIntent, change: IntentChange): GateIntent {
  const { denies, addWindows = [], removeWindows = [], removeWindowsOfPolicy } = change;
  const { addLeftovers = [], endWindows = [] } = change;
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
    windows: [...intent.windows.filter(stays), ...addWindows].map((window) => {
      const end = endWindows.find(({ windowId }) => windowId === window.windowId);
      return end === undefined ? window : endedAt(window, end.closesAt);
    }),
    ...(leftovers.length === 0 ? {} : { leftovers }),
  };
}

/** The window with its own end, which is never later than the one its rules tell. */
export function endedAt(window: DesiredWindow, closesAt: string): DesiredWindow {
  const latest = toldEnd(window);
  return { ...window, closesAt: Date.parse(closesAt) < Date.parse(latest) ? closesAt : latest };
}

/** Whether a change can change no rule: it only tells ends. */
export function tellsEndsOnly({ endWindows = [], ...others }: IntentChange): boolean {
  return endWindows.length > 0 && Object.values(others).every((other) => other === undefined);
}
