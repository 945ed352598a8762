import type { Digest } from "../ports.ts";

/** Keys may take 1 KiB, which is 512 characters; this leaves room for what is put around an encoded text. */
const longestText = 400;
const keptOfLongText = 330;

/**
 * A text as part of a PartitionKey or RowKey: `/` becomes `!`, which sorts before every character of an id, so that ids keep the order
 * of their segments; anything but letters, digits and `.-_()` becomes `~` and four hex digits. Different texts give different
 * keys; `|` never comes out, so it may part what is joined.
 */
export function keyText(text: string, digest: Digest): string {
  const encoded = text.replace(/[^\w.()-]/g, (character) =>
    character === "/" ? "!" : `~${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  // Escapes are `~` and a hex digit, so `~~` marks a shortened key beyond doubt.
  return encoded.length <= longestText
    ? encoded
    : `${encoded.slice(0, keptOfLongText)}~~${digest(text)}`;
}

/** A moment as 16 digits that sort the newest first. */
export function invertedTime(time: Date | string): string {
  return inverted(8_640_000_000_000_000, millisecondsOf(time), 16);
}

/** The UTC day of a moment as 9 digits, newest first. */
export function invertedDay(time: Date | string): string {
  return inverted(mostDays, Math.floor(millisecondsOf(time) / dayMs), 9);
}

/** When the day of {@link invertedDay} begins, in milliseconds since 1970. */
export function dayStart(key: string): number {
  return (mostDays - Number(key)) * dayMs;
}

const mostDays = 999_999_999;
const dayMs = 86_400_000;

function inverted(top: number, value: number, digits: number): string {
  return String(top - value).padStart(digits, "0");
}

/** Milliseconds since 1970; nothing of ours is older, but an open lower end of a range may be. */
export function millisecondsOf(time: Date | string): number {
  const milliseconds = new Date(time).getTime();
  if (Number.isNaN(milliseconds)) {
    throw new RangeError(`'${String(time)}' is not a time; expected ISO 8601.`);
  }
  return Math.max(-1, milliseconds);
}
