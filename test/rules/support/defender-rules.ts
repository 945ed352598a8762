import type { SecurityRule } from "../../../src/rules/nsg.ts";
import { aRule } from "../../support/builders.ts";

const hex = "0A1B2C3D4E5F60718293A4B5C6D7E8F9";

/** Defender's rule that keeps web-1 closed. */
export const aDefenderDeny = (values: Partial<SecurityRule> = {}): SecurityRule =>
  aRule({
    name: `MicrosoftDefenderForCloud-JITRule_-36095858_${hex}`,
    priority: 1_000,
    access: "Deny",
    protocol: "*",
    destinations: ["10.0.0.4"],
    destinationPorts: ["22", "3389"],
    description: "MDC JIT Network Access rule for policy 'default' of VM 'web-1'.",
    ...values,
  });

/** Defender's rule of a granted request. */
export const aDefenderAllow = (values: Partial<SecurityRule> = {}): SecurityRule =>
  aDefenderDeny({
    name: `MicrosoftDefenderForCloud-JITRule-36095858-${hex}`,
    priority: 100,
    access: "Allow",
    protocol: "Tcp",
    sources: ["203.0.113.7"],
    destinationPorts: ["22"],
    description:
      "MDC JIT Network Access rule created by an initiation request for policy 'default' of VM 'web-1'.",
    ...values,
  });

/** The same rule as Defender wrote it before May 2023. */
export const old = (rule: SecurityRule): SecurityRule => ({
  ...rule,
  name: rule.name.replace("MicrosoftDefenderForCloud", "SecurityCenter"),
  description: rule.description.replace("MDC", "ASC"),
});
