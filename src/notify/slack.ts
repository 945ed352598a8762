import type { Summary, SummaryLine } from "./summary.ts";
import { oneLine } from "./text.ts";

/**
 * In characters after escaping, so that no text can make Slack refuse the message: a text object takes 3,000, a header 150,
 * and all blocks together about 13,000.
 * @see https://docs.slack.dev/reference/block-kit/composition-objects/text-object
 */
const most = { header: 150, line: 800, all: 9_000, fallback: 300 } as const;

/**
 * A message of blocks, and the text for where blocks are not shown. NB. Data is in plain text objects, in which Slack looks
 * for no markup; it is escaped all the same, and an `@` before a name is parted from it for receivers that take Slack's
 * format but read mentions out of plain text.
 */
export function slackBody(summary: Summary, deployment: string, link: string | undefined): unknown {
  const urgency = summary.isUrgent ? "Attention: " : "";
  return {
    text: escaped(`${urgency}${summary.title}`, most.fallback),
    blocks: [
      { type: "header", text: plain(`${urgency}${summary.title}`, most.header) },
      ...withinAll(summary.lines).map((text) => ({
        type: "section",
        text: { type: "plain_text", emoji: false, text },
      })),
      ...(link === undefined
        ? []
        : [{ type: "section", text: { type: "mrkdwn", text: `<${link}|Show the request>` } }]),
      { type: "context", elements: [plain(`JIT Access, deployment ${deployment}`, most.header)] },
    ],
  };
}

/** The lines as far as all of them together are not too long. */
function withinAll(lines: readonly SummaryLine[]): readonly string[] {
  const texts: string[] = [];
  let left: number = most.all;
  for (const { label, text } of lines) {
    const shown = escaped(label === "" ? text : `${label}: ${text}`, Math.min(left, most.line));
    if (left < most.line) {
      return [...texts, "…"];
    }
    texts.push(shown);
    left -= shown.length;
  }
  return texts;
}

function plain(text: string, length: number) {
  return { type: "plain_text", emoji: false, text: escaped(text, length) };
}

/** @see https://docs.slack.dev/messaging/formatting-message-text#escaping */
const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** Escaped, and cut so that it is at most so long when it is escaped. */
function escaped(text: string, length: number): string {
  let result = "";
  for (const character of oneLine(withoutMentions(text), length * 2)) {
    const next = entities[character] ?? character;
    if (result.length + next.length > length - 1) {
      return `${result}…`;
    }
    result += next;
  }
  return result;
}

/** `alice@contoso.example` stays; `@channel` becomes `@ channel`. */
function withoutMentions(text: string): string {
  return text.replace(/(?<!\w)@(?=\S)|@(?=(?:all|channel|everyone|group|here)\b)/giu, "@ ");
}
