import { BlockList, SocketAddress } from "node:net";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  contains,
  coverOf,
  isPrefix,
  overlaps,
  type Prefix,
  parsePrefix,
} from "../../src/rules/cidr.ts";
import { propertyRuns } from "../support/property-runs.ts";

const v4 = fc.tuple(fc.constant(4 as const), fc.bigInt(0n, (1n << 32n) - 1n), fc.nat(32));
const v6 = fc
  .tuple(fc.constant(6 as const), fc.bigInt(0n, (1n << 128n) - 1n), fc.nat(128))
  // Node's BlockList takes IPv4 inside IPv6 for IPv4, we refuse it: left out here, shown below.
  .filter(([, bits]) => bits >> 32n !== 0xffffn);

/** The text of an address or range from its bits, written out in full and independently of our code. */
function write([family, bits, length]: [4 | 6, bigint, number]): string {
  const width = family === 4 ? 32n : 128n;
  const host = width - BigInt(length);
  const network = (bits >> host) << host;
  const [size, count, radix, separator] = family === 4 ? [8n, 4, 10, "."] : [16n, 8, 16, ":"];
  const parts = Array.from({ length: count }, (_, index) =>
    ((network >> (size * BigInt(count - 1 - index))) & ((1n << size) - 1n)).toString(
      radix as number,
    ),
  );
  return `${parts.join(separator as string)}/${length}`;
}

const ranges = fc.oneof(v4, v6).map((each) => write(each as [4 | 6, bigint, number]));

/** Two ranges that are near each other more often than chance would have it. */
const pairs = fc.oneof(v4, v6).chain(([family, bits, length]) =>
  fc
    .tuple(fc.nat(family === 4 ? 32 : 128), fc.nat(family === 4 ? 31 : 127), fc.boolean())
    .map(([otherLength, flipped, isFlipped]) => {
      const other = isFlipped ? bits ^ (1n << BigInt(flipped)) : bits;
      return [write([family, bits, length]), write([family, other, otherLength])] as const;
    })
    .filter(([, second]) => !second.startsWith("0:0:0:0:0:ffff:")),
);

const read = (text: string): Prefix => {
  const prefix = parsePrefix(text);
  if (!isPrefix(prefix)) {
    throw new Error(prefix.fault);
  }
  return prefix;
};

/** Node's own idea of whether the first and last address of `inner` lie in `outer`. */
function nodeContains(outer: Prefix, inner: Prefix): boolean {
  const family = outer.family === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(outer.text.split("/")[0] ?? "", outer.length, family);
  const width = BigInt(inner.family === 4 ? 32 : 128);
  const last = inner.bits | ((1n << (width - BigInt(inner.length))) - 1n);
  return [inner.bits, last].every((bits) => {
    const [address = ""] = write([inner.family, bits, Number(width)]).split("/");
    return list.check(new SocketAddress({ address, family: inner.family === 4 ? "ipv4" : "ipv6" }));
  });
}

describe("a source range", () => {
  it("is printed in a form that is read as the same range, and printed again the same", () => {
    fc.assert(
      fc.property(ranges, (text) => {
        const prefix = read(text);

        expect(read(prefix.text)).toEqual(prefix);
      }),
      propertyRuns,
    );
  });

  it("contains what Node's BlockList says it contains, and overlaps where one contains the other", () => {
    fc.assert(
      fc.property(pairs, ([left, right]) => {
        const [outer, inner] = [read(left), read(right)];
        const isInside = outer.length <= inner.length && nodeContains(outer, inner);

        expect(contains(outer, inner)).toBe(isInside);
        expect(coverOf([left])(right)).toBe(isInside);
        expect(overlaps(outer, inner)).toBe(
          nodeContains(outer, inner) || nodeContains(inner, outer),
        );
      }),
      propertyRuns,
    );
  });

  it("never contains an address of the other family", () => {
    fc.assert(
      fc.property(v4, v6, (four, six) => {
        const [left, right] = [read(write(four)), read(write(six))];

        expect(overlaps(left, right)).toBe(false);
      }),
      propertyRuns,
    );
  });
});

describe("a source as text", () => {
  it.each([
    ["10.0.0.1/32", "10.0.0.1"],
    ["10.0.0.0/8", "10.0.0.0/8"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:db8::1/128", "2001:db8::1"],
    ["::/0", "::/0"],
  ])("'%s' is written %s", (text, expected) => {
    expect(read(text).text).toBe(expected);
  });

  it.each([
    "",
    "*",
    "10.1",
    "010.0.0.1",
    "10.0.0.256",
    "0x0a.0.0.1",
    "167772161",
    " 10.0.0.1",
    "10.0.0.1\n",
    "10.0.0.1/",
    "10.0.0.0/08",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/8/8",
    "10.0.0.0/255.0.0.0",
    "10.0.0.1/8",
    "10.0.0.1-10.0.0.9",
    "10.0.0.1,10.0.0.2",
    "1::2::3",
    "2001:db8::1/64",
    "2001:db8::/129",
    "fe80::1%eth0",
    "[::1]",
    "::ffff:10.0.0.1",
    "::ffff:a00:1",
    "Internet",
  ])("'%s' is refused", (text) => {
    expect(parsePrefix(text)).toEqual({ fault: expect.stringContaining(`'${text}'`) });
  });

  it("that is endless is refused at once, and quoted in part", () => {
    const outcome = parsePrefix("1/".repeat(2_000_000));

    expect(isPrefix(outcome)).toBe(false);
    expect(JSON.stringify(outcome).length).toBeLessThan(200);
  });

  it("that covers any address is covered by any alone", () => {
    expect(coverOf(["*"])("*")).toBe(true);
    expect(coverOf(["0.0.0.0/0", "::/0"])("*")).toBe(false);
  });

  it("that is none is covered by none", () => {
    expect(coverOf(["0.0.0.0/0", "Internet"])("Internet")).toBe(false);
  });
});
