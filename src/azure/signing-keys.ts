import { createLocalJWKSet, errors, type JWTVerifyGetKey } from "jose";
import { z } from "zod";
import type { Clock } from "../ports.ts";

/** Fetches an address; as the platform's `fetch`. */
export type FetchKeys = (
  url: string,
  init: {
    readonly headers: Record<string, string>;
    readonly redirect: "manual";
    readonly signal: AbortSignal;
  },
) => Promise<Response>;

/**
 * Times in milliseconds. Keys are fetched anew once they are `refreshAfter` old, so a key that Entra ID takes back works no longer than
 * that; only while Entra ID does not answer, they are used up to `forgetAfter`. A key id we do not know makes us look again,
 * but not within `pause` of the look before: whoever invents ids cannot make us fetch at will. `pauseAfterFailure` is for when
 * there are no keys to go on with. Entra ID publishes about ten keys, in 20 kB.
 */
export const keyLimits = {
  refreshAfter: 600_000,
  forgetAfter: 3_600_000,
  pause: 30_000,
  pauseAfterFailure: 1_000,
  timeout: 5_000,
  bytes: 262_144,
  keys: 100,
} as const;

/** The keys could not be fetched, so nobody can tell whether a token is good. Passes by itself. */
class KeysUnavailable extends Error {
  override readonly name = "KeysUnavailable";

  constructor(url: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`The signing keys could not be fetched from ${url}: ${why}`, { cause });
  }
}

const keySetShape = z.object({
  keys: z
    .array(z.looseObject({ kty: z.string() }))
    .min(1)
    .max(keyLimits.keys),
});

interface Fetched {
  readonly at: number;
  readonly find: ReturnType<typeof createLocalJWKSet>;
}

/** The keys of one tenant, fetched when they are needed and kept for a while. Calls that need them at the same time share a fetch. */
export function createSigningKeys(url: string, clock: Clock, fetchKeys: FetchKeys) {
  let known: Fetched | undefined;
  let lastLook: { readonly at: number; readonly failure?: KeysUnavailable } | undefined;
  let looking: Promise<void> | undefined;
  const now = () => clock.now().getTime();
  const isYounger = (at: number | undefined, ms: number) => at !== undefined && now() - at < ms;

  async function look(): Promise<void> {
    try {
      known = { at: now(), find: await readKeys(url, fetchKeys) };
      lastLook = { at: now() };
    } catch (cause) {
      lastLook = { at: now(), failure: new KeysUnavailable(url, cause) };
    }
  }

  function lookOnce(): Promise<void> {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  /** Keys to judge by: fresh ones, or for a while those that were. Throws a KeysUnavailable when there are none. */
  async function current(): Promise<Fetched> {
    const isFresh = isYounger(known?.at, keyLimits.refreshAfter);
    const hasUsable = isYounger(known?.at, keyLimits.forgetAfter);
    const pause = hasUsable ? keyLimits.pause : keyLimits.pauseAfterFailure;
    const isTooSoon = lastLook?.failure !== undefined && isYounger(lastLook.at, pause);
    if (!isFresh && !isTooSoon) {
      await lookOnce();
    }
    if (known === undefined || !isYounger(known.at, keyLimits.forgetAfter)) {
      throw lastLook?.failure ?? new KeysUnavailable(url, "no answer");
    }
    return known;
  }

  const keyFor: JWTVerifyGetKey = async (header, token) => {
    const keys = await current();
    try {
      return await keys.find(header, token);
    } catch (error) {
      const isUnknown = error instanceof errors.JWKSNoMatchingKey;
      if (!isUnknown || isYounger(lastLook?.at, keyLimits.pause)) {
        throw error;
      }
      await lookOnce();
      return await (known ?? keys).find(header, token);
    }
  };
  return keyFor;
}

/** NB. The answer is bounded before it is parsed, and redirects are not followed: keys come from the authority or not at all. */
async function readKeys(url: string, fetchKeys: FetchKeys): Promise<Fetched["find"]> {
  const signal = AbortSignal.timeout(keyLimits.timeout);
  const headers = { accept: "application/json" };
  const response = await fetchKeys(url, { headers, redirect: "manual", signal });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`answered ${response.status} where 200 was expected`);
  }
  const { keys } = keySetShape.parse(JSON.parse(await boundedText(response)));
  return createLocalJWKSet({ keys });
}

async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let [text, size] = ["", 0];
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > keyLimits.bytes) {
      throw new Error(`the answer is larger than ${keyLimits.bytes} bytes`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
