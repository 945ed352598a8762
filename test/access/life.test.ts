import { describe, expect, it } from "@jest/globals";
import {
  isLive,
  isOnItsWay,
  isOver,
  isReviewDue,
  moveWindow,
  requestState,
  type WindowState,
  windowStates,
} from "../../src/access/life.ts";
import type { AccessRequest, Decision } from "../../src/access/request.ts";
import { afterNoon, anAccessRequest, aWindow } from "../support/builders.ts";

/** Every state and what may follow it, written out by hand. */
const life: readonly [WindowState, readonly WindowState[]][] = [
  ["pending approval", ["approved", "denied", "expired unanswered", "closed"]],
  ["approved", ["opening", "closing"]],
  ["opening", ["open", "closing", "failed"]],
  ["open", ["closing"]],
  ["closing", ["closed", "failed"]],
  ["closed", []],
  ["failed", []],
  ["denied", []],
  ["expired unanswered", []],
];
const over: readonly WindowState[] = ["closed", "failed", "denied", "expired unanswered"];

const inStates = (...states: readonly WindowState[]) => ({
  windows: states.map((state, index) => aWindow({ state, port: 22 + index })),
});

describe("a window", () => {
  it("has every state in the table", () => {
    expect(life.map(([state]) => state)).toEqual(windowStates);
  });

  it.each(life)("that is %s can only become one of [%s]", (from, legal) => {
    const reached = windowStates.filter(
      (to) => to !== from && moveWindow(aWindow({ state: from }), to, {}).state === to,
    );

    expect(reached.toSorted()).toEqual(legal.toSorted());
  });

  it.each(windowStates)("that is %s is as it was after a move to the same", (state) => {
    const window = aWindow({ state });

    expect(moveWindow(window, state, { closedAt: afterNoon(9) })).toBe(window);
  });

  it("takes up what is told with a move", () => {
    const moved = moveWindow(aWindow(), "open", { openedAt: afterNoon(2) });

    expect(moved).toEqual(aWindow({ state: "open", openedAt: afterNoon(2) }));
  });

  it("stays as it was when a report comes late", () => {
    const closed = aWindow({ state: "closed", closedAt: afterNoon(5) });

    expect(moveWindow(closed, "open", { openedAt: afterNoon(9) })).toBe(closed);
  });

  it("is over for good in these states alone", () => {
    expect(windowStates.filter((state) => isOver({ state }))).toEqual(over);
  });

  it("is on its way while it is to be opened and not proven open", () => {
    expect(windowStates.filter((state) => isOnItsWay({ state }))).toEqual(["approved", "opening"]);
  });
});

describe("the state of a request", () => {
  it.each<[WindowState, readonly WindowState[]]>([
    ["pending approval", ["pending approval", "pending approval"]],
    ["opening", ["open", "opening", "failed"]],
    ["open", ["closed", "open"]],
    ["open", ["failed", "open", "closing"]],
    ["closing", ["closed", "closing", "failed"]],
    ["closed", ["failed", "closed"]],
    ["failed", ["failed", "failed"]],
    ["denied", ["denied", "denied"]],
    ["closed", []],
  ])("is '%s' with windows that are [%s]", (state, windows) => {
    expect(requestState(inStates(...windows))).toBe(state);
    expect(requestState(inStates(...windows.toReversed()))).toBe(state);
  });
});

describe("a request that somebody has to look after", () => {
  const decided = (kind: Decision["kind"], isTold?: boolean): Pick<AccessRequest, "decisions"> => ({
    decisions: [
      { id: `a-${kind}`, kind, at: afterNoon(1), ...(isTold === undefined ? {} : { isTold }) },
    ],
  });
  const review = { review: { dueAt: afterNoon(86_400) } };

  it.each<{ case: string; request: Partial<AccessRequest>; live: boolean }>([
    { case: "a window is not over", request: inStates("closed", "closing"), live: true },
    { case: "it waits for an answer", request: inStates("pending approval"), live: true },
    { case: "every window is over", request: inStates(...over), live: false },
    {
      case: "a decision was not told yet",
      request: { ...inStates("denied"), ...decided("deny") },
      live: true,
    },
    {
      case: "every decision was told",
      request: { ...inStates("denied"), ...decided("deny", true) },
      live: false,
    },
    { case: "its review is due", request: { ...inStates("closed"), ...review }, live: true },
    {
      case: "its review was done",
      request: { ...inStates("closed"), ...review, ...decided("review", true) },
      live: false,
    },
  ])("is one of which $case: $live", ({ request, live }) => {
    expect(isLive(anAccessRequest(request))).toBe(live);
  });

  it("owes a review until there is one, however it ended", () => {
    const due = anAccessRequest({ ...inStates("failed"), ...review, isBreakGlass: true });

    expect(isReviewDue(due)).toBe(true);
    expect(isReviewDue({ ...due, ...decided("revoke") })).toBe(true);
    expect(isReviewDue({ ...due, ...decided("review") })).toBe(false);
    expect(isReviewDue(anAccessRequest())).toBe(false);
  });
});
