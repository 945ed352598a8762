import type { Summary, SummaryLine } from "./summary.ts";
import { oneLine } from "./text.ts";

/**
 * How much of a line is shown: a message of 28 KB and more is refused.
 * @see https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
 */
const mostOfLine = 500;

/**
 * A message with one adaptive card, as a Teams workflow ("when a webhook request is received") and the older connectors take
 * it. NB. All text is in text runs, which know no Markdown (text blocks and facts do): nothing of the data becomes a link, and
 * a mention would need an entity that is never sent.
 * @see https://learn.microsoft.com/adaptive-cards/schema-explorer/text-run
 */
export function teamsBody(summary: Summary, deployment: string, link: string | undefined): unknown {
  return {
    type: "message",
    attachments: [
      {
        contentType: "application/vnd.microsoft.card.adaptive",
        contentUrl: null,
        content: {
          $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
          type: "AdaptiveCard",
          version: "1.4",
          fallbackText: "JIT Access: this client cannot show the card.",
          msteams: { width: "Full" },
          body: [
            paragraph({
              text: oneLine(summary.title, mostOfLine),
              weight: "Bolder",
              size: "Medium",
              ...(summary.isUrgent ? { color: "Attention" } : {}),
            }),
            ...summary.lines.map(row),
            paragraph({ text: `JIT Access, deployment ${deployment}`, isSubtle: true }),
          ],
          ...(link === undefined
            ? {}
            : { actions: [{ type: "Action.OpenUrl", title: "Show the request", url: link }] }),
        },
      },
    ],
  };
}

function row({ label, text }: SummaryLine): unknown {
  const shown = { text: oneLine(text, mostOfLine) };
  return label === ""
    ? paragraph(shown)
    : paragraph({ text: `${oneLine(label, 50)}: `, weight: "Bolder" }, shown);
}

function paragraph(
  ...runs: readonly { readonly text: string; readonly [look: string]: unknown }[]
): unknown {
  return { type: "RichTextBlock", inlines: runs.map((run) => ({ type: "TextRun", ...run })) };
}
