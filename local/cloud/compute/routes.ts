import type { View } from "../read-routes.ts";
import { readRoutes } from "../read-routes.ts";
import type { Resources } from "../resources.ts";
import type { Route } from "../router.ts";

/** Virtual machines, of today (`Microsoft.Compute`) and classic ones; read only. */
export function computeRoutes(resources: Resources, pageSize: number): readonly Route[] {
  return [
    ...readRoutes({ resources, type: "Microsoft.Compute/virtualMachines", pageSize, view }),
    ...readRoutes({ resources, type: "Microsoft.ClassicCompute/virtualMachines", pageSize, view }),
  ];
}

/** Compute bodies carry no etag member that clients rely on: the resource as stored, provisioned. */
const view: View = ({ resource }) => ({
  ...resource,
  properties: { provisioningState: "Succeeded", ...resource.properties },
});
