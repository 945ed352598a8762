import type { LookupAddress } from "node:dns";
import { lookup as resolveByDns } from "node:dns/promises";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import type { Sent, WebhookSender } from "../notify/outbox.ts";
import { mayReach } from "./address.ts";
import { signatureOf } from "./signature.ts";

/** Where a webhook is. NB. The address is a secret, too: whoever knows it may post to a Teams or Slack channel. */
export interface WebhookAddress {
  readonly name: string;
  readonly url: string;
  readonly secret?: string | undefined;
}

export interface SenderOptions {
  readonly webhooks: readonly WebhookAddress[];
  readonly allowPrivate: boolean;
  readonly now: () => Date;
  /** All addresses of a name. @default the system's resolver */
  readonly resolve?: (hostname: string) => Promise<readonly LookupAddress[]>;
  /** Authorities to trust instead of those that Node trusts; PEM. */
  readonly ca?: string | undefined;
  /** @default 10_000 */
  readonly timeoutMs?: number;
}

const longestRetryAfterMs = 3_600_000;

/** So much of an answer is read, and thrown away, before the connection is cut. */
const mostAnswerBytes = 64 * 1_024;

/** The name leads, or the address itself is, where no webhook may be sent. */
class AddressRefused extends Error {
  override readonly name = "AddressRefused";
  readonly code = "AddressRefused";
}

/**
 * Sends bodies by POST over HTTPS. Certificates are checked whatever the environment says, no redirect is followed, no proxy
 * is used, and an attempt ends after ten seconds. NB. The name is resolved and judged for the very connection that is then
 * made: a name that leads elsewhere from one moment to the next (DNS rebinding) gains nothing.
 */
export function createWebhookSender(options: SenderOptions): WebhookSender {
  const { webhooks, now, timeoutMs = 10_000, ca } = options;
  const known = new Map(webhooks.map((webhook) => [webhook.name, webhook]));
  const connection = {
    // An agent of its own: no connection outlives its answer, and no proxy of the environment gets in between.
    agent: new Agent({ keepAlive: false }),
    lookup: guardedLookup(options),
    rejectUnauthorized: true,
    minVersion: "TLSv1.2",
    ...(ca === undefined ? {} : { ca }),
  } as const;
  return {
    async send(name, { id, event, body }) {
      const webhook = known.get(name);
      if (webhook === undefined) {
        return failed("it is not in the settings", true);
      }
      const { secret } = webhook;
      const url = new URL(webhook.url);
      const headers = {
        "content-type": "application/json; charset=utf-8",
        "content-length": Buffer.byteLength(body),
        "user-agent": "jit-access",
        "x-jit-event": event,
        "x-jit-delivery": id,
        ...(secret === undefined
          ? {}
          : { "x-jit-signature": signatureOf(secret, { id, body, at: now() }) }),
      };
      try {
        requirePublic(url, options.allowPrivate);
        const answer = await post(url, { ...connection, headers }, body, timeoutMs);
        return judged(answer, now());
      } catch (error) {
        return fault(error);
      }
    },
  };
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

function post(
  url: URL,
  options: Parameters<typeof request>[1],
  body: string,
  timeoutMs: number,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // The signal also ends an answer that never ends.
    const signal = AbortSignal.timeout(timeoutMs);
    const outgoing = request(url, { ...options, method: "POST", signal }, (incoming) => {
      discard(incoming);
      resolve({
        status: incoming.statusCode ?? 0,
        retryAfter: incoming.headers["retry-after"],
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

function discard(incoming: IncomingMessage): void {
  let bytes = 0;
  // What becomes of the rest of an answer is nobody's concern.
  incoming.on("error", () => undefined);
  incoming.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > mostAnswerBytes) {
      incoming.destroy();
    }
  });
}

/** NB. An address in the URL is never looked up, so it is judged here. The URL parser has written `127.1` or `0x7f000001` out. */
function requirePublic({ hostname }: URL, allowPrivate: boolean): void {
  const address = hostname.replace(/^\[|\]$/g, "");
  if (isIP(address) !== 0 && !mayReach(address, allowPrivate)) {
    throw new AddressRefused();
  }
}

/** Answers only addresses that may be reached. */
function guardedLookup({ allowPrivate, resolve = resolveAll }: SenderOptions): LookupFunction {
  return (hostname, { all }, callback) => {
    resolve(hostname).then(
      (found) => {
        const allowed = found.filter(({ address }) => mayReach(address, allowPrivate));
        const [first] = allowed;
        if (first === undefined) {
          callback(new AddressRefused(), []);
        } else if (all === true) {
          callback(null, allowed);
        } else {
          callback(null, first.address, first.family);
        }
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  };
}

const resolveAll = (hostname: string) => resolveByDns(hostname, { all: true });

/** Every 2xx is taken; 408, 425, 429 and 5xx pass by themselves; what else is answered will be answered tomorrow, too. */
function judged({ status, retryAfter }: Answer, now: Date): Sent {
  if (status >= 200 && status < 300) {
    return { outcome: "delivered" };
  }
  const passes = status >= 500 || [408, 425, 429].includes(status);
  return {
    ...failed(`answered ${status}`, !passes),
    retryAfterMs: millisecondsOf(retryAfter, now),
  };
}

/** `Retry-After` as seconds or as a date; an hour at most. */
function millisecondsOf(retryAfter: string | undefined, now: Date): number | undefined {
  if (retryAfter === undefined) {
    return undefined;
  }
  const wait = /^\d{1,9}$/.test(retryAfter)
    ? Number(retryAfter) * 1_000
    : Date.parse(retryAfter) - now.getTime();
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), longestRetryAfterMs);
}

/** NB. Only the code: messages of Node name the host. A certificate that does not fit, or an address that may not be, stays as it is. */
function fault(error: unknown): Sent {
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  if (name === "TimeoutError" || name === "AbortError") {
    return failed("did not answer in time", false);
  }
  if (code === "AddressRefused") {
    return failed("its address is private, local or reserved (WEBHOOKS_ALLOW_PRIVATE)", true);
  }
  const isCertificate = typeof code === "string" && /CERT|SIGNATURE|SELF_SIGNED|ALTNAME/.test(code);
  return failed(
    `could not be reached (${typeof code === "string" ? code : "fault"})`,
    isCertificate,
  );
}

function failed(detail: string, isLasting: boolean): Extract<Sent, { outcome: "failed" }> {
  return { outcome: "failed", detail, isLasting };
}
