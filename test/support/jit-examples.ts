import { readFileSync } from "node:fs";

/** What an example of a call has, as far as tests look at it. */
interface Example {
  readonly parameters: {
    readonly subscriptionId: string;
    readonly ascLocation: string;
    readonly resourceGroupName: string;
    readonly jitNetworkAccessPolicyName: string;
    readonly body: {
      readonly kind: string;
      readonly properties: { readonly virtualMachines: unknown };
    };
  };
  readonly responses: Readonly<Record<string, { readonly body: object }>>;
}

/** An official example of the API; where they come from is said beside them. */
export function example(
  name: "create-policy" | "get-policy" | "initiate" | "initiate-2015" | "invoke-2015",
): Example {
  const file = new URL(`../fixtures/jit-examples/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8"));
}
