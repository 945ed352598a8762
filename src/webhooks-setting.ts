import { z } from "zod";
import { bodyFormats } from "./notify/bodies.ts";
import { notificationEvents } from "./notify/event.ts";

/** How many webhooks there may be: each is asked for on its own whenever something happens. */
const mostWebhooks = 10;

const webhook = z
  .strictObject(
    {
      name: z.string().regex(/^[a-z\d][a-z\d-]{0,31}$/, {
        error: "expected 1 to 32 lower-case letters, digits and dashes",
      }),
      url: z.string().refine(isPlainHttps, "expected an https address without user and fragment"),
      format: z.enum(bodyFormats, { error: `expected one of ${bodyFormats.join(", ")}` }),
      secret: z
        .string()
        .min(16, "expected at least 16 characters")
        .max(256, "expected at most 256 characters")
        .optional(),
      events: z
        .array(z.enum(notificationEvents, { error: () => eventsExpected }))
        .min(1, "expected at least one event; leave it out for all")
        .optional(),
    },
    { error: "expected an object of name, url, format, secret and events, and nothing else" },
  )
  // Teams and Slack look at no signature. Whoever writes a receiver can, and without one anybody could post to it.
  .refine(({ format, secret }) => format !== "json" || secret !== undefined, {
    path: ["secret"],
    error: "expected a secret, with which json bodies are signed",
  });

const eventsExpected = `expected events out of ${notificationEvents.join(", ")}`;

/** The setting WEBHOOKS: a JSON list. NB. No message quotes a value: addresses and secrets are in it. */
export const webhooksSetting = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: "custom", message: "expected a JSON list" });
      return z.NEVER;
    }
  })
  .pipe(
    z
      .array(webhook, { error: "expected a JSON list" })
      .max(mostWebhooks, `expected at most ${mostWebhooks} webhooks`)
      .refine(
        (all) => new Set(all.map(({ name }) => name)).size === all.length,
        "expected a different name for each webhook",
      ),
  );

function isPlainHttps(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return (
    url?.protocol === "https:" && url.username === "" && url.password === "" && url.hash === ""
  );
}
