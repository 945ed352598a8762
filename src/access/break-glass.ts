import type { AccessRules } from "../policy/access-rules.ts";
import type { Reason } from "../reasons.ts";
import { isListed } from "./auto-approval.ts";
import type { AccessRequest } from "./request.ts";

/** Whether the policy lets somebody open in an emergency. */
export function isBreakGlassPerson(
  rules: AccessRules | undefined,
  who: { readonly tenantId: string; readonly objectId: string },
): boolean {
  return isListed({ people: rules?.breakGlass?.people ?? [], groups: [] }, who, new Set());
}

/** The refusal of a break-glass request by somebody whom the policy does not name. */
export function notInEmergency({ requestor }: Pick<AccessRequest, "requestor">): Reason {
  const message = `The policy does not name '${requestor.name}' among those who may open in an emergency. Ask without breakGlass.`;
  return { code: "BreakGlassNotAllowed", message, target: "breakGlass" };
}
