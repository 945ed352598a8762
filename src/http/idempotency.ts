import type { InitiateContent } from "../access/initiate.ts";
import type { AccessRequest } from "../access/request.ts";
import type { Clock, Ids, RequestStore } from "../ports.ts";
import { type Outcome, ok, type Refusal, refused } from "../reasons.ts";
import type { Call } from "./route.ts";

/** For how long a repeated call is known as the same, in milliseconds. */
const remembered = { "idempotency-key": 86_400_000, "x-ms-client-request-id": 3_600_000 } as const;
type KeyHeader = keyof typeof remembered;

/** What a key may look like: visible ASCII, as HTTP's structured fields allow. */
const keyPattern = /^[\x21-\x7e]{1,200}$/;

/** The id that a request gets, or already has: `known` when the same call came before. */
export interface RequestIdentity {
  readonly id: string;
  readonly contentDigest?: string | undefined;
  readonly known?: AccessRequest | undefined;
}

interface IdentityPorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly requests: RequestStore;
}

/**
 * Whose call it is, told by its `Idempotency-Key` or `x-ms-client-request-id`: the id of a request is made from caller, policy and
 * key, so that the same call twice is one request even when both come at the same moment. Official clients send a new
 * `x-ms-client-request-id` with every call and the same one with a repetition of their own; that header alone makes two calls the same
 * only when they ask for the same.
 */
export async function identityOf(
  ports: IdentityPorts,
  call: Call,
  policyId: string,
  content: InitiateContent,
  /** What else makes it another call, such as the request that is to be extended. */
  about = "",
): Promise<Outcome<RequestIdentity>> {
  const key = keyOf(call);
  if (key.outcome === "refused") {
    return key;
  }
  if (key.value === undefined) {
    return ok({ id: ports.ids.next() });
  }
  const { header, text } = key.value;
  const contentDigest = ports.ids.digest(JSON.stringify(content));
  const length = remembered[header];
  const now = ports.clock.now().getTime();
  const period = Math.floor(now / length);
  const { tenantId, objectId } = call.caller;
  const idIn = (which: number) =>
    guidOf(
      ports.ids.digest(
        JSON.stringify([
          ...[tenantId, objectId, policyId.toLowerCase(), about, header, text, which],
          ...(header === "idempotency-key" ? [] : [contentDigest]),
        ]),
      ),
    );
  // Two periods, so that a key is known for a whole one whenever it came.
  const found = await Promise.all(
    [period, period - 1].map((which) => ports.requests.get(idIn(which))),
  );
  const known = found.find(
    (request) => request !== undefined && now - Date.parse(request.createdAt) < length,
  );
  if (known?.contentDigest !== undefined && known.contentDigest !== contentDigest) {
    return keyReused();
  }
  return ok({ id: idIn(period), contentDigest, known });
}

/** The refusal of a key that came with something else before. */
export function keyReused(): Refusal {
  const message =
    "This Idempotency-Key came with another request before. Use a new key for a new request.";
  return refused({ code: "IdempotencyKeyReused", message, target: "idempotency-key" });
}

function keyOf(
  call: Call,
): Outcome<{ readonly header: KeyHeader; readonly text: string } | undefined> {
  const headers = Object.keys(remembered) as KeyHeader[];
  const header = headers.find((name) => call.header(name) !== undefined);
  const text = header === undefined ? undefined : call.header(header);
  if (header === undefined || text === undefined) {
    return ok(undefined);
  }
  if (keyPattern.test(text)) {
    return ok({ header, text });
  }
  // Only a key that was meant as one is worth a refusal.
  const message = "The Idempotency-Key has to be 1 to 200 visible ASCII characters.";
  return header === "idempotency-key"
    ? refused({ code: "InvalidRequestContent", message, target: header })
    : ok(undefined);
}

/** The first half of a digest in the form of a GUID. */
function guidOf(digest: string): string {
  const [, ...parts] = /^(.{8})(.{4})(.{4})(.{4})(.{12})/.exec(digest) ?? [];
  return parts.join("-");
}
