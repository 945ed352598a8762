import { createHmac } from "node:crypto";

/**
 * The value of `x-jit-signature`: `t` is when it was signed (seconds since 1970), `v1` the HMAC-SHA-256 with the webhook's
 * secret over time, delivery id and body with dots between them, as hex digits. A receiver that checks `t` refuses what
 * somebody recorded and sends again.
 */
export function signatureOf(
  secret: string,
  { id, body, at }: { readonly id: string; readonly body: string; readonly at: Date },
): string {
  const seconds = Math.floor(at.getTime() / 1_000);
  const digest = createHmac("sha256", secret).update(`${seconds}.${id}.${body}`).digest("hex");
  return `t=${seconds},v1=${digest}`;
}
