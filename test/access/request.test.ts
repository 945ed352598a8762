import { describe, expect, it } from "@jest/globals";
import {
  moveWindow,
  requestedVms,
  type WindowState,
  windowsOfVm,
} from "../../src/access/request.ts";
import { afterNoon, anAccessRequest, aWindow, vmId } from "../support/builders.ts";

const states: readonly WindowState[] = ["opening", "open", "closing", "closed", "failed"];

describe("a window", () => {
  it.each<[WindowState, readonly WindowState[]]>([
    ["opening", ["open", "closing", "closed", "failed"]],
    ["open", ["closing", "closed"]],
    ["closing", ["closed", "failed"]],
    ["closed", []],
    ["failed", []],
  ])("that is %s can only become one of [%s]", (from, legal) => {
    const reached = states.filter(
      (to) => moveWindow(aWindow({ state: from }), to, {}).state === to,
    );

    expect(reached.filter((to) => to !== from)).toEqual(legal);
  });

  it("takes up what is told with a move", () => {
    const moved = moveWindow(aWindow(), "open", { openedAt: afterNoon(2) });

    expect(moved).toEqual(aWindow({ state: "open", openedAt: afterNoon(2) }));
  });

  it("stays as it was when a report comes late or twice", () => {
    const closed = aWindow({ state: "closed", closedAt: afterNoon(5) });

    expect(moveWindow(closed, "open", { openedAt: afterNoon(9) })).toBe(closed);
    expect(moveWindow(closed, "closed", { closedAt: afterNoon(9) })).toBe(closed);
  });
});

describe("the windows of a request", () => {
  it("are found by the position in which their VM was asked for", () => {
    const ssh = aWindow();
    const rdp = aWindow({ port: 3389 });
    const db = aWindow({ vmId: vmId("db") });
    const request = anAccessRequest({ windows: [ssh, db, rdp] });

    expect(requestedVms(request)).toEqual([vmId(), vmId("db")]);
    expect(windowsOfVm(request, 0)).toEqual([ssh, rdp]);
    expect(windowsOfVm(request, 1)).toEqual([db]);
    expect(windowsOfVm(request, 2)).toEqual([]);
  });
});
