import { z } from "zod";
import { CloudError } from "../router.ts";

/**
 * What a fault does to the requests it strikes.
 * - `429` (Azure's `RetryableError`, no Retry-After), `429-retry-after` (throttled), `409` (`AnotherOperationInProgress`),
 *   `412`, `500`, `503`: that answer; the request has no effect.
 * - `drop-before`, `drop-after`: the connection is cut instead of an answer, before or after the request had its effect.
 * - `slow`: the effect is there at once, the answer comes `delayMs` later.
 * - `stale-read`: a GET answers what it would have answered before the last write, ETag included.
 * - `operation-never-ends`: the write is accepted and stays InProgress until the faults are cleared or the cloud restarts.
 * - `operation-fails`, `operation-canceled`: the write is accepted, has no effect, and its operation ends Failed, or Canceled
 *   as if somebody's later write had superseded it. Of a firewall, rule collection group or IP group it may leave behind
 *   what was asked (`failedFirewallUpdate` of the estate).
 */
const kinds = [
  "429",
  "429-retry-after",
  "409",
  "412",
  "500",
  "503",
  "drop-before",
  "drop-after",
  "slow",
  "stale-read",
  "operation-never-ends",
  "operation-fails",
  "operation-canceled",
] as const;
export type FaultKind = (typeof kinds)[number];

/** A fault as asked for, in a test or in the body of `POST /local/faults`. */
export interface FaultOrder {
  /**
   * Which requests to Azure Resource Manager (polls included) and to Microsoft Graph (`/graph/...`). `method` is one or several (case ignored; left out or `*`: any).
   * `path` is a part of path and query as the request log shows them, case ignored; `*` in it stands for any characters.
   * As text, method first or left out: `"PUT networkSecurityGroups"`, `"PUT,DELETE nsg-web/securityRules/"`,
   * `"PUT networkSecurityGroups/nsg-web?"` (the whole group, not its rules), `"GET /operations/"` (polls), `"*"` (all).
   */
  readonly match: string | { readonly method?: string | readonly string[]; readonly path?: string };
  readonly kind: FaultKind;
  /** How many requests it strikes; 1 when left out. */
  readonly times?: number | "always";
  /** Of `429-retry-after` only; 1 when left out. */
  readonly retryAfterSeconds?: number;
  /** Of `slow` only, and needed there. */
  readonly delayMs?: number;
}

/** A fault order after its check. */
export type Fault = z.output<typeof shape>;

const method = z
  .string()
  .transform((text) => text.toUpperCase())
  .pipe(z.enum(["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "*"]));

const shape = z
  .strictObject({
    match: z.preprocess(
      (match) => (typeof match === "string" ? matchInText(match) : match),
      z.strictObject({
        method: z
          .preprocess((one) => (typeof one === "string" ? [one] : one), z.array(method).min(1))
          .default(["*"]),
        path: z
          .string()
          .max(1_000)
          .regex(/^\S*$/, "must not contain blanks: no request's path does")
          .default(""),
      }),
    ),
    // A status is easily written as a number in JSON.
    kind: z.preprocess((kind) => (typeof kind === "number" ? String(kind) : kind), z.enum(kinds)),
    times: z.union([z.int().min(1), z.literal("always")]).default(1),
    retryAfterSeconds: z.int().min(0).max(3_600).optional(),
    delayMs: z.int().min(0).max(3_600_000).optional(),
  })
  .refine(({ kind, delayMs }) => (kind === "slow") === (delayMs !== undefined), {
    path: ["delayMs"],
    error: "belongs to kind 'slow', which needs it",
  })
  .refine(
    ({ kind, retryAfterSeconds }) => kind === "429-retry-after" || retryAfterSeconds === undefined,
    { path: ["retryAfterSeconds"], error: "belongs to kind '429-retry-after'" },
  );

/** Throws ARM's 400 with a detail for each thing that is wrong. */
export function parseFault(order: unknown): Fault {
  const parsed = shape.safeParse(order);
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.map(({ path, message }) => ({
    code: "InvalidFault",
    message: path.length === 0 ? message : `${path.join(".")}: ${message}`,
  }));
  throw new CloudError(400, "InvalidRequestContent", "This is not a fault.", details);
}

/** `url` is path and query as sent. */
export function matches({ match }: Fault, request: { method: string; url: string }): boolean {
  if (!match.method.some((each) => each === "*" || each === request.method)) return false;
  const url = request.url.toLowerCase();
  let at = 0;
  for (const part of match.path.toLowerCase().split("*")) {
    at = url.indexOf(part, at);
    if (at < 0) return false;
    at += part.length;
  }
  return true;
}

/** A single word is a path unless it is spelled as methods are: in capitals. */
function matchInText(text: string): unknown {
  const words = text.trim().split(/\s+/);
  const [first = "", ...others] = words;
  const leadsWithMethods = others.length > 0 || /^([A-Z]+,)*[A-Z]+$/.test(first);
  return leadsWithMethods ? { method: first.split(","), path: others.join(" ") } : { path: first };
}
