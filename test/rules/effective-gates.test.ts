import { describe, expect, it } from "@jest/globals";
import { type Access, effectiveAccess } from "../../src/rules/effective.ts";
import { readGroup } from "../../src/rules/effective-group.ts";
import type { SecurityRule } from "../../src/rules/nsg.ts";
import { aGroup, aRule } from "../support/builders.ts";

/** Allows SSH from anywhere. */
const allowSsh = (values: Partial<SecurityRule> = {}) =>
  aRule({ name: "allow-ssh", destinationPorts: ["22"], ...values });

/** Ends a group, so that its default rules do not matter. */
const denyAll = () =>
  aRule({
    name: "deny-all",
    priority: 4_096,
    access: "Deny",
    protocol: "*",
    destinationPorts: ["*"],
  });

describe("an address behind a subnet's and a network interface's group", () => {
  const office = allowSsh({ name: "office", sources: ["203.0.113.0/24"] });
  const elsewhere = allowSsh({ name: "elsewhere", sources: ["198.51.100.0/24"] });
  const tagged = allowSsh({ name: "cloud", sources: ["AzureCloud"] });

  const behind = (
    groups: readonly (readonly SecurityRule[])[],
    source: string,
    address = "10.0.0.4",
  ) => {
    const ids = groups.map((_, index) => `gate-${index}`);
    const read = groups.map(
      (rules, index) => [ids[index] ?? "", readGroup(aGroup(...rules, denyAll()))] as const,
    );
    return effectiveAccess({ address, gates: ids }, new Map(read), {
      source,
      port: 22,
      protocol: "TCP",
    });
  };

  it.each<[string, readonly SecurityRule[], readonly SecurityRule[], string, Access]>([
    ["both let in", [office], [allowSsh()], "203.0.113.7", "allowed"],
    ["the subnet's alone lets in", [allowSsh()], [], "203.0.113.7", "denied"],
    ["the interface's alone lets in", [], [allowSsh()], "203.0.113.7", "denied"],
    ["one lets in some of", [office], [allowSsh()], "*", "partly"],
    ["each lets in others of", [office], [elsewhere], "*", "denied"],
    ["both let in the same of", [office], [office], "*", "partly"],
    ["one may let in", [tagged], [allowSsh()], "203.0.113.7", "unknown"],
    ["one may, the other does not let in", [tagged], [], "203.0.113.7", "denied"],
  ])("gets traffic that both allow: %s", (_case, subnet, networkInterface, source, access) => {
    expect(behind([subnet, networkInterface], source).access).toBe(access);
  });

  it("tells what each of them says, the subnet's first", () => {
    expect(behind([[office], []], "203.0.113.7")).toEqual({
      access: "denied",
      isCovered: true,
      gates: [
        { gateId: "gate-0", access: "allowed", rules: ["office"] },
        { gateId: "gate-1", access: "denied", rules: ["deny-all"] },
      ],
    });
  });

  it("is open where there is neither, and said to be uncovered", () => {
    expect(behind([], "203.0.113.7")).toEqual({ access: "allowed", isCovered: false, gates: [] });
  });

  it("gets nothing of the other family, with or without groups", () => {
    expect(behind([], "2001:db8::7").access).toBe("denied");
    expect(behind([[allowSsh()]], "2001:db8::7").access).toBe("denied");
  });

  it("is unknown where a group could not be read, unless the other denies", () => {
    const ask = (rules: readonly SecurityRule[]) =>
      effectiveAccess(
        { address: "10.0.0.4", gates: ["lost", "here"] },
        new Map([["here", readGroup(aGroup(...rules))]]),
        { source: "203.0.113.7", port: 22, protocol: "TCP" },
      );

    expect(ask([allowSsh()])).toMatchObject({
      access: "unknown",
      gates: [{ gateId: "lost", access: "unknown", rules: [] }, { access: "allowed" }],
    });
    expect(ask([]).access).toBe("denied");
  });

  it("is unknown where it cannot be read itself", () => {
    expect(behind([[allowSsh()]], "203.0.113.7", "somewhere")).toEqual({
      access: "unknown",
      isCovered: true,
      gates: [{ gateId: "gate-0", access: "unknown", rules: [] }],
    });
  });
});
