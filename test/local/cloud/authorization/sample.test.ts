import { join } from "node:path";
import { beforeAll, describe, expect, it } from "@jest/globals";
import type { Estate } from "../../../../local/cloud/estate.ts";
import { loadEstate } from "../../../../local/cloud/load-estate.ts";
import { askRoutes } from "./ask-routes.ts";
import { routesOf } from "./routes-of.ts";

let estate: Estate;
beforeAll(async () => {
  estate = await loadEstate(
    join(import.meta.dirname, "../../../../local/cloud/estates/sample.json"),
  );
});

/** The names of the roles somebody has on a VM of rg-demo, with where they were given, outermost first. */
async function rolesOf(name: string, vm: string): Promise<string[]> {
  const { people, applications = [], subscriptionId, roleDefinitions } = estate;
  const { objectId } = [...people, ...applications].find((each) => each.name === name) ?? {};
  const scope = `/subscriptions/${subscriptionId}/resourceGroups/rg-demo/providers/Microsoft.Compute/virtualMachines/${vm}`;
  const filter = encodeURIComponent(`atScope() and assignedTo('${objectId}')`);
  const path = `${scope}/providers/Microsoft.Authorization/roleAssignments?$filter=${filter}`;
  const { body } = await askRoutes(routesOf(estate), "GET", path);
  return body.value.map((assignment: { properties: Record<string, string> }) => {
    const { roleDefinitionId = "", scope: given = "" } = assignment.properties;
    const role = roleDefinitions.find((each) => roleDefinitionId.endsWith(each.name));
    return `${role?.properties["roleName"]} of ${given.split("/").at(-1)}`;
  });
}

describe("the sample estate's rights", () => {
  const requesterOfGroup = "JIT Access Requester of rg-demo";

  it.each([
    { name: "alice", vm: "vm-linux", roles: ["JIT Access Requester of vm-linux"] },
    { name: "alice", vm: "vm-dual", roles: [] },
    { name: "bob", vm: "vm-dual", roles: [requesterOfGroup] },
    { name: "carol", vm: "vm-dual", roles: [requesterOfGroup] },
    { name: "dan", vm: "vm-dual", roles: ["Reader of rg-demo"] },
    { name: "frank", vm: "vm-dual", roles: ["JIT Access Requester of mg-contoso"] },
    { name: "gus", vm: "vm-dual", roles: [requesterOfGroup] },
    { name: "pipeline", vm: "vm-dual", roles: [requesterOfGroup] },
    { name: "eve", vm: "vm-dual", roles: [] },
  ])("make $name $roles on $vm", async ({ name, vm, roles }) => {
    expect(await rolesOf(name, vm)).toEqual(roles);
  });

  it("let sam protect VMs, for which Azure's Security Admin alone is not enough", async () => {
    const { subscriptionId } = estate;
    expect(await rolesOf("sam", "vm-dual")).toEqual([
      `Security Admin of ${subscriptionId}`,
      `JIT Access Configurator of ${subscriptionId}`,
    ]);
  });
});
