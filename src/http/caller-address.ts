import { isPrefix, parsePrefix } from "../rules/cidr.ts";

/**
 * The address a call came from: the entry of `X-Forwarded-For` that the outermost trusted proxy added. Each proxy
 * appends the peer it saw, so with `hops` trusted proxies in front of the app it is the `hops`-th entry from the right;
 * entries further left are whatever the client wrote.
 */
export function callerAddress(forwardedFor: string | null, hops: number): string | undefined {
  const entries = (forwardedFor ?? "").split(",").map((entry) => entry.trim());
  const entry = entries.at(-hops);
  return entry === undefined || entry === "" ? undefined : canonicalAddress(withoutPort(entry));
}

/** `1.2.3.4:567`, `[2001:db8::1]:567` and their forms without a port. */
function withoutPort(entry: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(entry);
  const dotted = /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(entry);
  return bracketed?.[1] ?? dotted?.[1] ?? entry;
}

/** Dual-stack sockets report IPv4 peers as `::ffff:1.2.3.4`. */
function canonicalAddress(text: string): string | undefined {
  const prefix = parsePrefix(text.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, ""));
  const width = isPrefix(prefix) && prefix.family === 4 ? 32 : 128;
  return isPrefix(prefix) && prefix.length === width ? prefix.text : undefined;
}
