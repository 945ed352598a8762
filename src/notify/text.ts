/** Control characters, line breaks, and marks that turn or hide what stands behind them (Unicode categories Cc, Cf, Zl, Zp). */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu;

/** A text of people as one printable line of at most so many UTF-16 units; what is cut off ends in `…`. */
export function oneLine(text: string, most: number): string {
  // Cut generously first: however long the text is, little of it is looked at.
  const line = text
    .slice(0, most * 4)
    .replace(unprintable, " ")
    .trim()
    .toWellFormed();
  return line.length <= most ? line : `${line.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

/** The first `most` entries, and how many more there are. */
export function firstOf<T>(
  items: readonly T[],
  most: number,
): { readonly items: readonly T[]; readonly more: number } {
  return { items: items.slice(0, most), more: Math.max(0, items.length - most) };
}
