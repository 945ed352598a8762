/**
 * Between Node's HTTP and the worker protocol's `http` value, as the capabilities of `@azure/functions` 4.16 ask for
 * it.
 */
import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { HttpAnswer } from "./answer.ts";
import type { TypedData } from "./app.ts";
import type { RouteParameters } from "./routes.ts";

interface Nullable<T> {
  readonly value: T;
}

type NullableStrings = Readonly<Record<string, Nullable<string>>>;

interface RpcCookie {
  readonly name: string;
  readonly value: string;
  readonly domain?: Nullable<string>;
  readonly path?: Nullable<string>;
  readonly expires?: Nullable<{ readonly seconds: number }>;
  readonly maxAge?: Nullable<number>;
  readonly secure?: Nullable<boolean>;
  readonly httpOnly?: Nullable<boolean>;
  /** "none" means "not set"; SameSite=None is "explicitNone". */
  readonly sameSite?: "none" | "lax" | "strict" | "explicitNone";
}

interface RpcHttpResponse {
  readonly statusCode?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly RpcCookie[];
  readonly body?: TypedData;
}

/** What the function sees of a request: `url` as the caller wrote it, one value per query key and header. */
export function toHttpInput(
  request: IncomingMessage,
  url: URL,
  parameters: RouteParameters,
  body: Buffer,
): TypedData {
  return {
    http: {
      method: request.method,
      url: url.href,
      nullableHeaders: nullable(headersOf(request)),
      nullableParams: nullable(Object.entries(parameters)),
      nullableQuery: nullable(joinedQuery(url.searchParams)),
      ...(body.length > 0 && { body: { bytes: body } }),
    },
  };
}

/** Header values that would be wrong or dangerous to pass on: the server writes these itself. */
const ownHeaders = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade", "trailer"]);

/** What the caller gets for the function's return value; no value is 204. */
export function fromHttpOutput(value: TypedData | undefined): HttpAnswer {
  const http = value?.http as RpcHttpResponse | undefined;
  if (!http) return { status: 204, headers: {}, body: Buffer.alloc(0) };
  const headers: OutgoingHttpHeaders = {};
  for (const [name, text] of Object.entries(http.headers ?? {})) {
    if (!ownHeaders.has(name.toLowerCase())) headers[name.toLowerCase()] = text;
  }
  const cookies = (http.cookies ?? []).map(cookieText);
  if (cookies.length > 0)
    headers["set-cookie"] = [headers["set-cookie"] ?? [], cookies].flat(2).map(String);
  return { status: Number(http.statusCode ?? 200), headers, body: bodyOf(http.body) };
}

function bodyOf(body: TypedData | undefined): Buffer {
  if (body?.bytes) {
    const { buffer, byteOffset, byteLength } = body.bytes;
    return Buffer.from(buffer, byteOffset, byteLength);
  }
  return Buffer.from(body?.string ?? body?.json ?? "");
}

/** All headers but the empty ones, and but those with which App Service vouches for a signed-in user. */
function headersOf(request: IncomingMessage): [string, string][] {
  const headers: [string, string][] = [];
  for (const [name, value] of Object.entries(request.headers)) {
    // NB. Taken from outside callers they would let anyone be anyone.
    if (name.startsWith("x-ms-client-principal") || name === "x-forwarded-for") continue;
    const text = Array.isArray(value) ? value.join(", ") : value;
    if (text) headers.push([name, text]);
  }
  headers.push(["x-forwarded-for", forwardedFor(request)]);
  return headers;
}

/**
 * The platform's front end appends the address and port it was called from and keeps what was there (a sample:
 * sergiodxa/remix-utils#496).
 */
function forwardedFor(request: IncomingMessage): string {
  const { remoteAddress = "", remotePort } = request.socket;
  const host = remoteAddress.includes(":") ? `[${remoteAddress}]` : remoteAddress;
  const before = request.headers["x-forwarded-for"];
  return [before ?? [], `${host}:${remotePort}`].flat().join(", ");
}

function joinedQuery(query: URLSearchParams): [string, string][] {
  return [...new Set(query.keys())].map((key) => [key, query.getAll(key).join(",")]);
}

function nullable(entries: readonly (readonly [string, string])[]): NullableStrings {
  return Object.fromEntries(entries.map(([name, value]) => [name, { value }]));
}

function cookieText(cookie: RpcCookie): string {
  const parts = [`${cookie.name}=${encodeURIComponent(cookie.value)}`];
  const add = (name: string, value: string | number | undefined) => {
    if (value !== undefined) parts.push(`${name}=${value}`);
  };
  const expires = cookie.expires?.value.seconds;
  add("Max-Age", cookie.maxAge?.value);
  add("Domain", cookie.domain?.value);
  add("Path", cookie.path?.value);
  add("Expires", expires === undefined ? undefined : new Date(expires * 1000).toUTCString());
  if (cookie.httpOnly?.value) parts.push("HttpOnly");
  if (cookie.secure?.value) parts.push("Secure");
  add("SameSite", sameSiteText[cookie.sameSite ?? "none"]);
  return parts.join("; ");
}

const sameSiteText = {
  none: undefined,
  lax: "Lax",
  strict: "Strict",
  explicitNone: "None",
} as const;
