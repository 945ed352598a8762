import type { AccessRequest, Window } from "./request.ts";

/**
 * The states of a window, in the words of people. `closed`, `failed`, `denied` and `expired unanswered` are final, and each
 * means that no rule of it is left. `failed` was never proven open; `approved` is agreed to, and not yet acted upon.
 */
export const windowStates = [
  "pending approval",
  "approved",
  "opening",
  "open",
  "closing",
  "closed",
  "failed",
  "denied",
  "expired unanswered",
] as const;
export type WindowState = (typeof windowStates)[number];

/**
 * Legal moves, all of them. A move to the state it is in is no move: retried work may say the same thing twice. What may have a
 * rule on a gate is over only by way of `closing`; `opening` fails at once only where nothing was started.
 */
const moves: Readonly<Record<WindowState, readonly WindowState[]>> = {
  "pending approval": ["approved", "denied", "expired unanswered", "closed"],
  approved: ["opening", "closing"],
  opening: ["open", "closing", "failed"],
  open: ["closing"],
  closing: ["closed", "failed"],
  closed: [],
  failed: [],
  denied: [],
  "expired unanswered": [],
};

/** The window in its new state, or as it was when the move is not a legal one (a late or repeated report). */
export function moveWindow(
  window: Window,
  to: WindowState,
  facts: Partial<Omit<Window, "id" | "state">>,
): Window {
  return moves[window.state].includes(to) ? { ...window, ...facts, state: to } : window;
}

/** Whether nothing of the window is left on any gate, for good. */
export function isOver(window: Pick<Window, "state">): boolean {
  return moves[window.state].length === 0;
}

/** Whether the window is to be opened, and nobody has proven it open yet. */
export function isOnItsWay(window: Pick<Window, "state">): boolean {
  return window.state === "approved" || window.state === "opening";
}

/** The state of a request as a whole: of its windows, the one that is furthest from its end. */
export function requestState({ windows }: Pick<AccessRequest, "windows">): WindowState {
  return windowStates.find((state) => windows.some((window) => window.state === state)) ?? "closed";
}

/** Whether somebody still has to look after the request: a window, an answer that was not told yet, a review that is due. */
export function isLive(request: AccessRequest): boolean {
  return !request.windows.every(isOver) || untold(request).length > 0 || isReviewDue(request);
}

/** Whether a break-glass request still has to be looked at. */
export function isReviewDue({ review, decisions = [] }: AccessRequest): boolean {
  return review !== undefined && !decisions.some(({ kind }) => kind === "review");
}

/** Decisions whose facts may not have been recorded yet. */
export function untold({ decisions = [] }: AccessRequest) {
  return decisions.filter((decision) => decision.isTold !== true);
}
