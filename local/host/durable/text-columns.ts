/** A string property of a table holds 64 KiB as UTF-16, so 32,768 characters. */
const COLUMN_CHARS = 32_000;

/** An entity holds 1 MiB; this much text in columns leaves room for the rest of it. */
export const ROW_CHARS = 14 * COLUMN_CHARS;

/** Spreads a text over properties `name0`, `name1`, …; null gives none. */
export function toColumns(name: string, text: string | null): Record<string, string> {
  if (text === null) return {};
  const pieces = text === "" ? [""] : piecesOf(text, COLUMN_CHARS);
  return Object.fromEntries(pieces.map((piece, index) => [`${name}${index}`, piece]));
}

/** Reads what `toColumns` wrote. */
export function fromColumns(
  name: string,
  entity: Readonly<Record<string, unknown>>,
): string | null {
  if (entity[`${name}0`] === undefined) return null;
  let text = "";
  for (let index = 0; typeof entity[`${name}${index}`] === "string"; index++) {
    text += entity[`${name}${index}`];
  }
  return text;
}

/** Cuts a text into pieces of at most `size`, never between the halves of one character: alone they do not survive UTF-8. */
export function piecesOf(text: string, size: number): string[] {
  const pieces: string[] = [];
  for (let from = 0; from < text.length; ) {
    const end = from + size;
    const isWithin = end < text.length && /[\ud800-\udbff]/.test(text.charAt(end - 1));
    pieces.push(text.slice(from, isWithin ? end - 1 : end));
    from = isWithin ? end - 1 : end;
  }
  return pieces;
}
