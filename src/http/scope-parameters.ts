/** Parameters of a query that say what a list is about; a list takes one of them. */
import { z } from "zod";
import { policyType } from "../policy/policy.ts";
import { parseVirtualMachineId } from "../policy/resource-id.ts";

export const scopeParameters = {
  vm: z
    .string()
    .refine((id) => parseVirtualMachineId(id) !== undefined, "expected a VM's resource id")
    .optional(),
  policyId: z.string().regex(policyPattern(), "expected the resource id of a policy").optional(),
  subscriptionId: z.guid("expected a subscription id").optional(),
};

function policyPattern(): RegExp {
  const [namespace, locations, type] = policyType.split("/");
  return new RegExp(
    `^/subscriptions/[\\da-f-]{36}/resourceGroups/[^/]{1,90}/providers/${namespace}/${locations}/[^/]{1,60}/${type}/[^/]{1,128}$`,
    "i",
  );
}
