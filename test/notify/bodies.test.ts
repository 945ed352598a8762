import { describe, expect, it } from "@jest/globals";
import { type bodyFormats, bodyOf } from "../../src/notify/bodies.ts";
import type { Notification } from "../../src/notify/event.ts";
import { afterNoon, alice, aPolicy, requestId, vmId } from "../support/builders.ts";
import { aNotification } from "../support/notifications.ts";

const about = { deployment: "shop", publicUrl: "https://jit.example" };
const parsed = (format: (typeof bodyFormats)[number], notification: Notification) =>
  JSON.parse(bodyOf(format, notification, about));

/** Every text of a value, wherever it stands. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === "string") {
    return [value];
  }
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

describe("the json body", () => {
  it("is the notification with version, title, deployment and link", () => {
    const notification = aNotification({ justification: "disk full" });

    expect(parsed("json", notification)).toEqual({
      version: 1,
      ...notification,
      title: "Access to web-1 is open",
      deployment: "shop",
      link: `https://jit.example/api/requests/${requestId}`,
    });
  });

  it("has no link without an address of this service, or without a request", () => {
    const { requestId: _, ...ofNoRequest } = aNotification();

    expect(JSON.parse(bodyOf("json", aNotification(), { deployment: "shop" })).link).toBe(
      undefined,
    );
    expect(parsed("json", ofNoRequest).link).toBe(undefined);
  });
});

describe("what people read", () => {
  it.each([
    ["asked", "access.initiate", "Access to web-1 was asked for"],
    ["decided", "access.approve", "Access to web-1 was approved"],
    ["decided", "access.deny", "Access to web-1 was denied"],
    ["decided", "access.expire", "Nobody answered in time: the request for web-1 is over"],
    ["opened", "access.open", "Access to web-1 is open"],
    ["failed", "access.open", "Access to web-1 could not be opened"],
    ["closingSoon", undefined, "Access to web-1 closes soon"],
    ["closed", "access.close", "Access to web-1 is closed"],
    ["overdue", "access.close", "Access to web-1 should be closed and is not yet"],
    ["breakGlass", "access.initiate", "Break-glass access to web-1: opens without an approval"],
    ["breakGlass", "access.review", "Break-glass access to web-1 was reviewed"],
    ["healed", "gate.repair", "Rules of web-1 were changed by somebody else and were put right"],
  ] as const)("of %s by %s is '%s'", (event, operation, title) => {
    const { operation: _, ...others } = aNotification({ event });
    const notification = operation === undefined ? others : { ...others, operation };

    expect(parsed("json", notification).title).toBe(title);
  });

  it("tells who can answer and until when", () => {
    const awaits = { approvals: 1, answerBy: afterNoon(900), approvers: ["bob", "carol"] };
    const texts = textsOf(parsed("slack", aNotification({ event: "asked", awaits })));

    expect(texts).toContain("Access to web-1 was asked for and waits for an answer");
    expect(texts).toContain("Answers needed: 1, until 2030-01-31 12:15 UTC");
    expect(texts).toContain("Who can answer: bob, carol");
  });
});

describe("the Teams body", () => {
  it("is a message with one adaptive card, with text in runs alone", () => {
    expect(parsed("teams", aNotification())).toEqual({
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
              runs({ text: "Access to web-1 is open", weight: "Bolder", size: "Medium" }),
              row("Who", alice.name),
              row("What", "web-1: TCP 22 from 203.0.113.7, until 2030-01-31 13:00 UTC"),
              row("Policy", aPolicy().name),
              runs({ text: "JIT Access, deployment shop", isSubtle: true }),
            ],
            actions: [
              {
                type: "Action.OpenUrl",
                title: "Show the request",
                url: `https://jit.example/api/requests/${requestId}`,
              },
            ],
          },
        },
      ],
    });
  });

  it("leaves Markdown of people as it stands, where no client reads it", () => {
    const comment = "[free money](https://evil.example) **now** <at>everyone</at>";
    const card = parsed("teams", aNotification({ comment })).attachments[0].content;

    expect(textsOf(card)).toContain(comment);
    expect(card.body.map((block: { type: string }) => block.type)).not.toContain("TextBlock");
    expect(JSON.stringify(card)).not.toMatch(/FactSet|"entities"/);
  });
});

describe("the Slack body", () => {
  it("is plain text blocks with one link of our own, and a text for where blocks are not shown", () => {
    expect(parsed("slack", aNotification())).toEqual({
      text: "Access to web-1 is open",
      blocks: [
        { type: "header", text: plain("Access to web-1 is open") },
        { type: "section", text: plain(`Who: ${alice.name}`) },
        {
          type: "section",
          text: plain("What: web-1: TCP 22 from 203.0.113.7, until 2030-01-31 13:00 UTC"),
        },
        { type: "section", text: plain("Policy: default") },
        {
          type: "section",
          text: {
            type: "mrkdwn",
            text: `<https://jit.example/api/requests/${requestId}|Show the request>`,
          },
        },
        { type: "context", elements: [plain("JIT Access, deployment shop")] },
      ],
    });
  });

  it.each([
    ["<!channel> fire", "Why: &lt;!channel&gt; fire"],
    ["<https://evil.example|your bank>", "Why: &lt;https://evil.example|your bank&gt;"],
    ["@channel look", "Why: @ channel look"],
    ["hey@everyone, @@here", "Why: hey@ everyone, @ @ here"],
    ["ask alice@contoso.example & bob", "Why: ask alice@contoso.example &amp; bob"],
    ["two\nlines\u202eand a turn\u0000", "Why: two lines and a turn"],
  ])("shows %j as %j", (justification, shown) => {
    expect(textsOf(parsed("slack", aNotification({ justification })))).toContain(shown);
  });

  it("stays within Slack's limits when every character has to be escaped", () => {
    const ampersands = "&".repeat(500);
    const notification = aNotification({
      justification: ampersands,
      comment: ampersands,
      subjects: Array.from({ length: 20 }, (_, index) => ({
        vmId: vmId(ampersands),
        reasons: [{ code: "GateFull", message: `${index}${ampersands}` }],
      })),
    });

    const { blocks, text } = parsed("slack", notification);

    expect(text.length).toBeLessThanOrEqual(300);
    expect(blocks[0].text.text.length).toBeLessThanOrEqual(150);
    expect(JSON.stringify(blocks).length).toBeLessThan(12_000);
    expect(blocks.length).toBeLessThanOrEqual(50);
  });
});

const plain = (text: string) => ({ type: "plain_text", emoji: false, text });
const runs = (...all: readonly object[]) => ({
  type: "RichTextBlock",
  inlines: all.map((run) => ({ type: "TextRun", ...run })),
});
const row = (label: string, text: string) =>
  runs({ text: `${label}: `, weight: "Bolder" }, { text });
