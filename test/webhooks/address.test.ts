import { describe, expect, it } from "@jest/globals";
import { mayReach } from "../../src/webhooks/address.ts";

describe("an address of a webhook", () => {
  it.each(["8.8.8.8", "52.112.0.1", "2603:1030:20e:3::1", "2a00:1450:4001:800::200e"])(
    "may be %s, which is public",
    (address) => {
      expect(mayReach(address, false)).toBe(true);
      expect(mayReach(address, true)).toBe(true);
    },
  );

  it.each([
    ["10.0.0.4", "private"],
    ["172.16.0.1", "private"],
    ["172.31.255.255", "private"],
    ["192.168.1.1", "private"],
    ["127.0.0.1", "loopback"],
    ["127.8.9.10", "loopback"],
    ["::1", "loopback"],
    ["100.64.0.1", "carrier-grade NAT"],
    ["fd00::1", "unique local"],
    ["fc00::1", "unique local"],
  ])("may be %s (%s) only where the settings say so", (address) => {
    expect(mayReach(address, false)).toBe(false);
    expect(mayReach(address, true)).toBe(true);
  });

  it.each([
    ["169.254.169.254", "metadata service, link-local"],
    ["fe80::1", "link-local"],
    ["168.63.129.16", "Azure's platform"],
    ["0.0.0.0", "unspecified"],
    ["0.1.2.3", "this network"],
    ["::", "unspecified"],
    ["224.0.0.1", "multicast"],
    ["ff02::1", "multicast"],
    ["255.255.255.255", "broadcast"],
    ["240.0.0.1", "reserved"],
    ["192.0.0.8", "reserved"],
    ["192.0.2.1", "documentation"],
    ["198.18.0.1", "benchmarking"],
    ["198.51.100.1", "documentation"],
    ["203.0.113.1", "documentation"],
    ["192.88.99.1", "6to4 relay"],
    ["2001:db8::1", "documentation"],
    ["::ffff:8.8.8.8", "IPv4-mapped"],
    ["::ffff:10.0.0.1", "IPv4-mapped, private"],
    ["::ffff:a9fe:a9fe", "IPv4-mapped, metadata service"],
    ["::ffff:0:10.0.0.1", "IPv4-translated"],
    ["::10.0.0.1", "IPv4-compatible"],
    ["64:ff9b::10.0.0.1", "NAT64, private"],
    ["64:ff9b::8.8.8.8", "NAT64"],
    ["64:ff9b:1::1", "NAT64 of a network's own"],
    ["2002:a00:1::1", "6to4, private"],
    ["2002:808:808::1", "6to4"],
    ["2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"],
    ["fec0::1", "site-local"],
    ["100::1", "discard"],
    ["4000::1", "not assigned"],
    ["fe80::1%eth0", "link-local with a zone"],
    ["localhost", "no address"],
    ["", "no address"],
  ])("may never be %s (%s)", (address) => {
    expect(mayReach(address, false)).toBe(false);
    expect(mayReach(address, true)).toBe(false);
  });
});
