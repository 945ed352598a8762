/** A longer name is cut. */
const longestName = 256;

/** A name reaches logs, pages and rule descriptions: no control characters, no invisible reordering, no endless length. */
export function readableName(name: string | undefined): string {
  return (name ?? "")
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "")
    .trim()
    .slice(0, longestName);
}
