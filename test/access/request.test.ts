import { describe, expect, it } from "@jest/globals";
import { isSamePerson, requestedVms, windowsOfVm } from "../../src/access/request.ts";
import { alice, anAccessRequest, aWindow, vmId } from "../support/builders.ts";

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

describe("a person", () => {
  it.each([
    { case: "another name", other: { ...alice, name: "bob@contoso.example" }, isSame: true },
    {
      case: "ids in another letter case",
      other: { ...alice, objectId: alice.objectId.toUpperCase() },
      isSame: true,
    },
    {
      case: "another object id",
      other: { ...alice, objectId: alice.objectId.replace(/1$/, "2") },
      isSame: false,
    },
    {
      case: "the same object id in another tenant",
      other: { ...alice, tenantId: alice.tenantId.replace(/1$/, "2") },
      isSame: false,
    },
  ])("with $case is the same: $isSame", ({ other, isSame }) => {
    expect(isSamePerson(alice, other)).toBe(isSame);
  });
});
