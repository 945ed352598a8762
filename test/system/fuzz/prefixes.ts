import { isIPv4, isIPv6 } from "node:net";

/** A range of addresses: the first `length` bits of `bits`. */
interface Range {
  readonly family: 4 | 6;
  readonly bits: bigint;
  readonly length: number;
}

/** The ranges that a source means: `*` is everybody of both families. Nothing where the text is no source. */
export function rangesOf(source: string): readonly Range[] | undefined {
  if (source === "*") {
    return [
      { family: 4, bits: 0n, length: 0 },
      { family: 6, bits: 0n, length: 0 },
    ];
  }
  const [address = "", given, ...more] = source.split("/");
  const family = isIPv4(address) ? 4 : isIPv6(address) && !address.includes("%") ? 6 : undefined;
  const longest = family === 4 ? 32 : 128;
  const length = Number(given ?? longest);
  const isLength = Number.isInteger(length) && length >= 0 && length <= longest;
  if (family === undefined || more.length > 0 || !isLength) {
    return undefined;
  }
  const bits =
    family === 4 ? bitsOf(address.split("."), 10, 8n) : bitsOf(expanded(address), 16, 16n);
  return [{ family, bits, length }];
}

/** Whether everybody whom `inner` means is meant by one of `outer`; of one address family, or of both. */
export function isInside(inner: string, outer: readonly string[], family?: 4 | 6): boolean {
  const ranges = rangesOf(inner)?.filter(
    (range) => family === undefined || range.family === family,
  );
  const around = outer.flatMap((source) => rangesOf(source) ?? []);
  return ranges?.every((range) => around.some((other) => holds(other, range))) ?? false;
}

/** Whether sources reach no further than others: not more of them, and none wider than the widest of its family. */
export function isNoWider(sources: readonly string[], than: readonly string[]): boolean {
  const widest = (list: readonly string[], family: 4 | 6): number =>
    Math.min(
      family === 4 ? 32 : 128,
      ...list
        .flatMap((source) => rangesOf(source) ?? [])
        .filter((range) => range.family === family)
        .map(({ length }) => length),
    );
  const isWithin = ([4, 6] as const).every(
    (family) => widest(sources, family) >= widest(than, family),
  );
  return than.includes("*") || (sources.length <= than.length && isWithin);
}

function holds(outer: Range, inner: Range): boolean {
  const rest = BigInt((outer.family === 4 ? 32 : 128) - outer.length);
  return (
    outer.family === inner.family &&
    outer.length <= inner.length &&
    outer.bits >> rest === inner.bits >> rest
  );
}

function bitsOf(parts: readonly string[], radix: number, width: bigint): bigint {
  return parts.reduce((bits, part) => (bits << width) + BigInt(Number.parseInt(part, radix)), 0n);
}

/** The eight groups of an IPv6 address. */
function expanded(address: string): readonly string[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const [, start = "", ...bytes] = dotted ?? [];
  const [one = 0, two = 0, three = 0, four = 0] = bytes.map(Number);
  const plain =
    dotted === null
      ? address
      : `${start}${(one * 256 + two).toString(16)}:${(three * 256 + four).toString(16)}`;
  const [head = "", tail] = plain.split("::");
  const [first, last] = [head, tail ?? ""].map((text) => text.split(":").filter(Boolean));
  const gap = tail === undefined ? 0 : 8 - (first?.length ?? 0) - (last?.length ?? 0);
  return [...(first ?? []), ...Array.from({ length: gap }, () => "0"), ...(last ?? [])];
}
