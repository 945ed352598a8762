import type { Notification } from "./event.ts";
import { slackBody } from "./slack.ts";
import { summaryOf } from "./summary.ts";
import { teamsBody } from "./teams.ts";

/** What a webhook understands. */
export const bodyFormats = ["json", "teams", "slack"] as const;
export type BodyFormat = (typeof bodyFormats)[number];

/** What is said about this service beside the notification. */
export interface Sender {
  /** Name of the deployment. */
  readonly deployment: string;
  /** Where people reach it, without a slash at the end; no links without it. */
  readonly publicUrl?: string | undefined;
}

/** The version of the `json` body: raised when a member is removed or means something else, not when one is added. */
const jsonVersion = 1;

/**
 * The body of a notification, the same each time. NB. `<` is written as an escape in every format: JSON readers do not see
 * the difference, and whoever puts the body somewhere as it stands makes neither a tag nor a mention of it.
 */
export function bodyOf(format: BodyFormat, notification: Notification, sender: Sender): string {
  return JSON.stringify(contentOf(format, notification, sender)).replaceAll("<", "\\u003c");
}

function contentOf(format: BodyFormat, notification: Notification, sender: Sender): unknown {
  const link = linkTo(notification, sender);
  const summary = summaryOf(notification);
  switch (format) {
    case "json":
      return {
        version: jsonVersion,
        ...notification,
        title: summary.title,
        deployment: sender.deployment,
        ...(link === undefined ? {} : { link }),
      };
    case "teams":
      return teamsBody(summary, sender.deployment, link);
    case "slack":
      return slackBody(summary, sender.deployment, link);
  }
}

function linkTo({ requestId }: Notification, { publicUrl }: Sender): string | undefined {
  return publicUrl === undefined || requestId === undefined
    ? undefined
    : `${publicUrl}/api/requests/${encodeURIComponent(requestId)}`;
}
