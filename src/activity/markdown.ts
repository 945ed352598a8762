/**
 * Texts of people in Markdown (CommonMark and GitHub's tables). NB. Whatever they wrote is shown as they wrote it and never becomes a
 * heading, a link, a cell or a tag: a page of evidence is read by people who did not write it.
 */
import { oneLine } from "../notify/text.ts";

const longestText = 2_200;

/**
 * A text on one line; everything that could mean something is escaped, addresses that would become links too. Dots and dashes mean
 * something at the beginning of a line alone, where no text of people stands, and a colon before a blank means nothing.
 */
export function plain(text: string): string {
  return oneLine(text, longestText)
    .replace(/[\\`*_{}[\]<>()#+!|~&@$=^]|:(?! )/g, (mark) => entities[mark] ?? `\\${mark}`)
    .replace(/\bwww\b/gi, (word) => `${word.slice(0, 2)}&#${word.charCodeAt(2)};`);
}

/** NB. What HTML, tables or links look at before a backslash is understood is written as a number. */
const entities: Readonly<Record<string, string>> = {
  "<": "&lt;",
  ">": "&gt;",
  "&": "&amp;",
  "|": "&#124;",
  "@": "&#64;",
  ":": "&#58;",
};

/**
 * An id or a name between backticks. NB. A backtick of its own would end it, and a bar a cell: {@link codeNote} tells readers what
 * stands for them.
 */
export function code(text: string): string {
  const line = oneLine(text, longestText).replaceAll("`", "'").replaceAll("|", "¦");
  return line === "" ? "(empty)" : `\`${line}\``;
}

/** What {@link code} does to a text, for whoever copies it. */
export const codeNote =
  "In what is set as code, ¦ stands for a vertical bar and ' for a backtick; the JSON document has them as they are.";

/** A table; cells are Markdown already. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  return [heads, heads.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}
