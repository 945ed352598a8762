/** A string property of a table holds 64 KiB as UTF-16, so 32,768 characters. */
const COLUMN_CHARS = 32_000;

/** An entity holds 1 MiB; this much text in columns leaves room for the rest of it. */
export const ROW_CHARS = 14 * COLUMN_CHARS;

/** Spreads a text over properties `name0`, `name1`, …; null gives none. */
export function toColumns(name: string, text: string | null): Record<string, string> {
  if (text === null) return {};
  const pieces = Math.max(1, Math.ceil(text.length / COLUMN_CHARS));
  return Object.fromEntries(
    Array.from({ length: pieces }, (_, index) => [
      `${name}${index}`,
      text.slice(index * COLUMN_CHARS, (index + 1) * COLUMN_CHARS),
    ]),
  );
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
