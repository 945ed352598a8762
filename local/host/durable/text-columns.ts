/** A string property of a table holds 64 KiB as UTF-16, so 32,768 characters. */
const COLUMN_CHARS = 32_000;

/** An entity holds 1 MiB; this much text in columns leaves room for the rest of it. */
export const ROW_CHARS = 14 * COLUMN_CHARS;

/** Spreads a JSON text over properties `name0`, `name1`, …; null gives none. */
export function toColumns(name: string, json: string | null): Record<string, string> {
  if (json === null) return {};
  const pieces = piecesOf(toAscii(json), COLUMN_CHARS);
  return Object.fromEntries(pieces.map((piece, index) => [`${name}${index}`, piece]));
}

/** The same JSON that `toColumns` wrote, though perhaps not letter by letter. */
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

/** Cuts a text of ASCII characters into pieces of at most `size`. */
export function piecesOf(text: string, size: number): string[] {
  const count = Math.ceil(text.length / size);
  return Array.from({ length: count }, (_, index) => text.slice(index * size, (index + 1) * size));
}

/**
 * The same JSON in ASCII. Azurite 3.37 decodes bodies chunk by chunk and spoils a character that lies across 64 KiB; and the halves of one
 * that is cut between two columns would not survive UTF-8.
 */
export function toAscii(json: string): string {
  return json.replace(
    /[\u0080-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
