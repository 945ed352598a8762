import type { Person } from "./estate.ts";

/** What a call is meant for, whatever has been done to it. */
export type Purpose =
  | "policy"
  | "policies"
  | "initiate"
  | "plan"
  | "activity"
  | "requests"
  | "request"
  | "approve"
  | "deny"
  | "revoke"
  | "extend"
  | "rebind"
  | "review"
  | "health"
  | "nothing"
  | "no HTTP";

/** Whose call it is: nobody's, where the token is none. */
export interface Identity {
  readonly person: Person | undefined;
  /** False for what one may take for a token or not. */
  readonly isCertain: boolean;
  /** The value of `Authorization`; nothing where it is left out. */
  readonly authorization: string | undefined;
}

/** One call as it goes over the wire. */
export interface FuzzCall {
  readonly purpose: Purpose;
  readonly method: string;
  /** The address as it stands in the request line. */
  readonly target: string;
  readonly identity: Identity;
  /** Those beside `Host`, `Authorization` and the length. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer | undefined;
  readonly isChunked: boolean;
  /** Bytes that are no HTTP; all else is then left aside. */
  readonly raw?: Buffer;
}

export function headerOf({ headers }: FuzzCall, name: string): string | undefined {
  return headers.find(([each]) => each.toLowerCase() === name)?.[1];
}

/** The call as bytes. */
export function bytesOf(call: FuzzCall): Buffer {
  if (call.raw !== undefined) {
    return call.raw;
  }
  const { method, target, identity, body, isChunked } = call;
  const framing: readonly (readonly [string, string])[] =
    body === undefined
      ? []
      : isChunked
        ? [["transfer-encoding", "chunked"]]
        : [["content-length", String(body.length)]];
  const { authorization } = identity;
  const all = [
    ["host", "localhost"],
    ...(authorization === undefined ? [] : [["authorization", authorization]]),
    ...call.headers,
    ...framing,
  ];
  const head = [`${method} ${target} HTTP/1.1`, ...all.map(([name, value]) => `${name}: ${value}`)];
  const content = body === undefined ? [] : isChunked ? chunks(body) : [body];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), ...content]);
}

/** Methods that every route of the app answers itself. */
const knownMethods = ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS"];

/** Node.js takes heads up to 16 KiB, and answers longer ones itself. */
const largestHead = 16_000;

/** Whether the app answers; otherwise the host may, which is another's: to no HTTP, too long a head, a method of no function. */
export function isForApp(call: FuzzCall): boolean {
  const { raw, target, method } = call;
  const isTyped = /^[!-~]+$/.test(target);
  const head = raw === undefined ? bytesOf({ ...call, body: undefined }).length : 0;
  return raw === undefined && isTyped && knownMethods.includes(method) && head <= largestHead;
}

/** Two chunks, and the end. */
function chunks(body: Buffer): readonly Buffer[] {
  const middle = body.length >> 1;
  const parts = [body.subarray(0, middle), body.subarray(middle)].filter(
    ({ length }) => length > 0,
  );
  return [
    ...parts.flatMap((part) => [
      Buffer.from(`${part.length.toString(16)}\r\n`),
      part,
      Buffer.from("\r\n"),
    ]),
    Buffer.from("0\r\n\r\n"),
  ];
}
