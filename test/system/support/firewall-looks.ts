import { readMachinePorts } from "../../../local/cloud/data-plane/client.ts";
import type { Endpoints } from "../../../local/endpoints.ts";
import { type User, until } from "../user.ts";
import type { ToldPort } from "./fault-watch.ts";

/** What is looked at of a policy. */
export interface WirePolicy {
  readonly id: string;
  readonly properties: {
    readonly provisioningState: string;
    readonly requests: readonly {
      readonly virtualMachines: readonly { readonly id: string; readonly ports: ToldPort[] }[];
    }[];
  };
}

/** One page of the list of policies. */
export interface WirePage {
  readonly value: readonly WirePolicy[];
  readonly nextLink?: string;
}

/** Ids of VMs whose port 22 lets the client in through a firewall, in lower case. */
export async function openVms(endpoints: Endpoints): Promise<ReadonlySet<string>> {
  const ports = await readMachinePorts(endpoints);
  return new Set(
    ports.flatMap(({ firewall, letsIn, port, virtualMachine = "" }) =>
      firewall !== undefined && letsIn && port === 22 ? virtualMachine.toLowerCase() : [],
    ),
  );
}

/** Looks until it passes, and sweeps more often than every minute meanwhile: the sweep sees changes of policies through. */
export async function sweptUntil(
  user: User,
  passes: () => Promise<boolean>,
  withinMs = 60_000,
): Promise<void> {
  let sweptAt = 0;
  await until(
    async () => {
      const isThere = await passes();
      if (!isThere && Date.now() - sweptAt > 500) {
        sweptAt = Date.now();
        await user.runTimer("sweep");
      }
      return isThere;
    },
    Boolean,
    withinMs,
  );
}
