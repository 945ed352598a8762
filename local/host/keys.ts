import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** The host's secrets, made anew at each start. */
export interface HostKeys {
  /** Opens everything. */
  readonly master: string;
  /** Opens functions of authLevel "function". */
  readonly host: string;
  /** Opens the durable management API, and is part of its links. */
  readonly system: string;
}

export function createKeys(): HostKeys {
  return { master: newKey(), host: newKey(), system: newKey() };
}

/** True when the caller's key is one of `keys`. Takes the same time wherever they differ and however long they are. */
export function opens(given: string | undefined, keys: readonly string[]): boolean {
  if (given === undefined) return false;
  const digest = sha256(given);
  return keys.map((key) => timingSafeEqual(sha256(key), digest)).some((isEqual) => isEqual);
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function newKey(): string {
  return randomBytes(32).toString("base64url");
}
