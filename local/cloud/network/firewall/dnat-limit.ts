import { tooManyDnat } from "./errors.ts";
import { type Spelling, texts } from "./rules.ts";

/** https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits#azure-firewall-limits */
const mostDnat = 250;

/** A DNAT rule with what it calls its protocols. */
export interface DnatRule {
  readonly rule: Readonly<Record<string, unknown>>;
  readonly spelling: Spelling;
}

/** Throws when public addresses and unique destinations (address, port, protocol) together are too many for a firewall. */
export function checkDnatLimit(
  target: string,
  publicAddresses: number,
  rules: readonly DnatRule[],
): void {
  const count = publicAddresses + new Set(rules.flatMap(destinations)).size;
  if (count > mostDnat) throw tooManyDnat(target, count, mostDnat);
}

function destinations({ rule, spelling }: DnatRule): string[] {
  return texts(rule, "destinationAddresses").flatMap((address) =>
    texts(rule, "destinationPorts").flatMap((port) =>
      texts(rule, spelling).map((protocol) => `${address} ${port} ${protocol}`),
    ),
  );
}
