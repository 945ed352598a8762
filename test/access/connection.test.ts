import { describe, expect, it } from "@jest/globals";
import { connectionOf, type Reachable } from "../../src/access/connection.ts";

const inside: Reachable = { address: "10.0.0.4", family: 4 };
const published: Reachable = { ...inside, publicAddress: "192.0.2.10" };
const six: Reachable = { address: "fd00::6", family: 6 };

describe("where to connect to", () => {
  it.each<{
    case: string;
    sources: readonly string[];
    addresses: readonly Reachable[];
    to: string;
  }>([
    {
      case: "the public address from outside",
      sources: ["203.0.113.7"],
      addresses: [published],
      to: "192.0.2.10",
    },
    {
      case: "the VM's own where none leads to it",
      sources: ["203.0.113.7"],
      addresses: [inside],
      to: "10.0.0.4",
    },
    {
      case: "the VM's own from the network it is on",
      sources: ["10.1.0.0/16"],
      addresses: [published],
      to: "10.0.0.4",
    },
    {
      case: "the public one when only some come from inside",
      sources: ["10.1.0.5", "203.0.113.7"],
      addresses: [published],
      to: "192.0.2.10",
    },
    {
      case: "an address of the source's family",
      sources: ["2001:db8::7"],
      addresses: [published, six],
      to: "fd00::6",
    },
    {
      case: "the public one from anywhere",
      sources: ["*"],
      addresses: [inside, published],
      to: "192.0.2.10",
    },
  ])("is $case", ({ sources, addresses, to }) => {
    expect(connectionOf({ sources, port: 22 }, addresses)).toEqual({ address: to, port: 22 });
  });

  it("is nowhere when no address of the family is guarded", () => {
    expect(connectionOf({ sources: ["2001:db8::7"], port: 22 }, [inside])).toBeUndefined();
  });
});
