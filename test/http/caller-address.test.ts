import { describe, expect, it } from "@jest/globals";
import { callerAddress } from "../../src/http/caller-address.ts";

describe("the address a call came from", () => {
  it.each<[string, string, number, string | undefined]>([
    ["one entry", "203.0.113.7", 1, "203.0.113.7"],
    ["one entry with its port", "203.0.113.7:50123", 1, "203.0.113.7"],
    ["IPv6", "2001:DB8::7", 1, "2001:db8::7"],
    ["IPv6 in brackets", "[2001:db8::7]", 1, "2001:db8::7"],
    ["IPv6 with its port", "[2001:db8::7]:50123", 1, "2001:db8::7"],
    ["IPv4 as a dual-stack socket tells it", "::ffff:203.0.113.7", 1, "203.0.113.7"],
    ["the same with its port", "[::FFFF:203.0.113.7]:50123", 1, "203.0.113.7"],
    ["what the client wrote before", "10.0.0.1, 203.0.113.7:50123", 1, "203.0.113.7"],
    ["two trusted proxies", "10.0.0.1,203.0.113.7, 198.51.100.1", 2, "203.0.113.7"],
    ["fewer entries than trusted proxies", "203.0.113.7", 2, undefined],
    ["an empty entry", "203.0.113.7, ", 1, undefined],
    ["a name", "client.example", 1, undefined],
    ["a short form", "10.1", 1, undefined],
    ["an octal form", "010.0.0.1", 1, undefined],
    ["a range", "10.0.0.0/8", 1, undefined],
    ["any", "*", 1, undefined],
    ["nothing", "", 1, undefined],
  ])("with %s in the header", (_case, header, hops, expected) => {
    expect(callerAddress(header, hops)).toBe(expected);
  });

  it("cannot be told without the header", () => {
    expect(callerAddress(null, 1)).toBeUndefined();
  });
});
