import { policyType } from "../policy/policy.ts";
import { guidPattern } from "../policy/resource-id.ts";
import { type Outcome, ok, type Reason, refused } from "../reasons.ts";

/** Where a policy is, as its path says. */
export interface PolicyAddress {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly location: string;
  readonly name: string;
  readonly id: string;
}

const patterns = {
  subscriptionId: {
    pattern: guidPattern,
    expected: "a subscription id such as 11111111-2222-3333-4444-555555555555",
  },
  resourceGroup: {
    pattern: /^(?!\.{1,2}$)[-\w.()]{1,90}$/,
    expected: "1 to 90 letters, digits, dashes, dots, underscores or parentheses",
  },
  location: { pattern: /^(?! *$)[\w -]{1,60}$/, expected: "an Azure location such as westeurope" },
  name: {
    pattern: /^(?!\.{1,2}$)[^\\/?#%\p{Cc}]{1,128}$/u,
    expected: "1 to 128 characters without slashes, '?', '#' or '%'",
  },
} as const;

type Part = keyof typeof patterns;

/** Checks the named parts of a path; each fault names the parameter. Azure takes "West Europe" for "westeurope", so it is one place. */
export function parseParts<P extends Part>(
  params: Readonly<Record<string, string>>,
  parts: readonly P[],
): Outcome<Readonly<Record<P, string>>> {
  const faults = parts.flatMap((part): readonly Reason[] => {
    const value = params[part] ?? "";
    const { pattern, expected } = patterns[part];
    return pattern.test(value)
      ? []
      : [
          {
            code: "InvalidRequestContent",
            message: `'${value.slice(0, 100)}' in the path is not ${expected}.`,
            target: part,
          },
        ];
  });
  return faults.length > 0
    ? refused(...faults)
    : ok(
        Object.fromEntries(parts.map((part) => [part, read(part, params[part] ?? "")])) as Readonly<
          Record<P, string>
        >,
      );
}

function read(part: Part, value: string): string {
  return part === "location" ? value.replaceAll(" ", "") : value;
}

/** The policy that a path names, whether or not it exists. */
export function policyAddress(params: Readonly<Record<string, string>>): Outcome<PolicyAddress> {
  const parts = parseParts(params, ["subscriptionId", "resourceGroup", "location", "name"]);
  if (parts.outcome === "refused") {
    return parts;
  }
  const { subscriptionId, resourceGroup, location, name } = parts.value;
  const [namespace, parent, type] = policyType.split("/");
  const id = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/${namespace}/${parent}/${location}/${type}/${name}`;
  return ok({ subscriptionId, resourceGroup, location, name, id });
}
