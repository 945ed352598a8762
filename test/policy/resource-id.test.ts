import { describe, expect, it } from "@jest/globals";
import {
  idKey,
  isClassicVirtualMachineId,
  parseVirtualMachineId,
  resourceName,
  subscriptionOf,
} from "../../src/policy/resource-id.ts";
import { subscriptionId, vmId } from "../support/builders.ts";

describe("a virtual machine's id", () => {
  it("is taken apart in the case it was written, whatever that is", () => {
    const id = vmId("Web-1").replace("resourceGroups", "RESOURCEGROUPS");

    expect(parseVirtualMachineId(id)).toEqual({
      id,
      key: id.toLowerCase(),
      subscriptionId,
      resourceGroup: "shop",
      name: "Web-1",
    });
  });

  it.each([
    ["without the subscription", vmId().replace("/subscriptions", "")],
    ["with a subscription that is no GUID", vmId().replace(subscriptionId, "subscriptions")],
    ["of another type", vmId().replace("virtualMachines", "disks")],
    ["of a classic VM", vmId().replace("Microsoft.Compute", "Microsoft.ClassicCompute")],
    ["of something inside a VM", `${vmId()}/extensions/x`],
    ["with a trailing slash", `${vmId()}/`],
    ["without a name", vmId("")],
    ["with a name of 65 characters", vmId("a".repeat(65))],
    ["with a query behind it", `${vmId()}?x=1`],
    ["with an escaped slash", vmId("web%2F1")],
    ["with a line break behind it", `${vmId()}\n`],
    ["in a group with a slash", vmId().replace("shop", "shop/shop")],
    ["whose group leads upwards", vmId().replace("/shop/", "/../")],
    ["whose group leads nowhere", vmId().replace("/shop/", "/./")],
    ["whose name leads upwards", vmId("..")],
    ["whose name leads nowhere", vmId(".")],
    ["that is empty", ""],
  ])("%s is none", (_case, id) => {
    expect(parseVirtualMachineId(id)).toBeUndefined();
  });

  it("may have dots in its parts", () => {
    const id = vmId(".web.1").replace("/shop/", "/..shop/");

    expect(parseVirtualMachineId(id)).toMatchObject({ resourceGroup: "..shop", name: ".web.1" });
  });

  it("of the classic kind is recognised whatever its case", () => {
    const id = vmId().replace("Microsoft.Compute", "microsoft.classiccompute");

    expect(isClassicVirtualMachineId(id)).toBe(true);
    expect(isClassicVirtualMachineId(vmId())).toBe(false);
  });
});

describe("any resource id", () => {
  it("is the same resource in another case, with doubled and with trailing slashes", () => {
    expect(idKey(`/${vmId().toUpperCase()}/`)).toBe(idKey(vmId()));
    expect(idKey("/")).toBe("/");
  });

  it("ends with the resource's own name", () => {
    expect(resourceName(`${vmId("Web-1")}/`)).toBe("Web-1");
  });

  it("tells its subscription, where it lies in one", () => {
    expect(subscriptionOf(vmId().toUpperCase())).toBe(subscriptionId);
    expect(subscriptionOf("/providers/Microsoft.Management/managementGroups/mg")).toBeUndefined();
  });
});
