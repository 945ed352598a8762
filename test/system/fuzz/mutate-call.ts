import type { Chance } from "./chance.ts";
import { hostileTexts } from "./hostile-texts.ts";
import { mutateJson, mutateText } from "./mutate-json.ts";

type Pair = readonly [name: string, value: string];

/** The path with something of it changed. */
export function mutatePath(chance: Chance, path: string): string {
  const segments = path.split("/");
  const at = chance.int(1, segments.length - 1);
  const withSegment = (change: (segment: string) => string) =>
    segments.map((segment, index) => (index === at ? change(segment) : segment)).join("/");
  return chance.pick<() => string>([
    () => withSegment((segment) => segment.toUpperCase()),
    () => withSegment((segment) => escaped(mutateText(chance, decoded(segment)))),
    () => withSegment(() => escaped(chance.pick(hostileTexts))),
    () => withSegment((segment) => `${segment}${chance.pick(oddBits)}`),
    () => withSegment((segment) => `${chance.pick(oddBits)}${segment}`),
    () => withSegment((segment) => percented(segment)),
    () => segments.filter((_, index) => index !== at).join("/"),
    () => segments.toSpliced(at, 0, chance.pick(["", ".", "..", "%2e%2e", "x"])).join("/"),
    () => `${path}/`,
    () => `//${path}`,
    () => `${path}/${chance.pick(["initiate", "plan", "approve", "x", "%00"])}`,
    () => `http://evil.example${path}`,
    () => withSegment(() => "x".repeat(chance.pick([100, 300, 9_000]))),
    () => path.replace(/[\da-f]{8}-/, "99999999-"),
    () => path.replace(/rg-demo/i, chance.pick(["rg-network", "RG-DEMO", "rg-none"])),
    () => path.replace("westeurope", chance.pick(["West Europe", "WESTEUROPE", "mars"])),
  ])();
}

const oddBits = [
  ...["%", "%zz", "%00", "%0d%0aset-cookie:%20a=1", "%ff", "%c0%af", "%2F", "%252F", "%5c", "\\"],
  ...[";a=b", "?", "#", "'", '"', "%20", "+", "*", ":", "|", "ü", "…", "~", "$", "{}", "%E2%80%AE"],
] as const;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Percent-encoded; half a character cannot be. */
const escaped = (text: string): string => encodeURIComponent(text.toWellFormed());

/** Every letter percent-encoded: another way to write the same. */
function percented(text: string): string {
  return [...Buffer.from(decoded(text))]
    .map((byte) => `%${byte.toString(16).padStart(2, "0")}`)
    .join("");
}

/** The parameters with something of them changed; some get a second one of their name, or many more. */
export function mutateQuery(chance: Chance, query: readonly Pair[]): readonly Pair[] {
  const at = chance.int(0, query.length - 1);
  const value = chance.pick(hostileTexts);
  return chance.pick<() => readonly Pair[]>([
    () => query.map((pair, index) => (index === at ? [pair[0], value] : pair)),
    () =>
      query.map((pair, index) => (index === at ? [pair[0], mutateText(chance, pair[1])] : pair)),
    () => query.filter((_, index) => index !== at),
    () => [...query, ...query],
    () => [...query, [chance.pick(parameters), value]],
    () => [...query, [chance.pick(parameters), chance.pick(values)]],
    () => [...query, [value, "1"]],
    () => [...query, ...Array.from({ length: 25 }, (_, index): Pair => [`p${index}`, "x"])],
    () => [
      ...query,
      ["$skiptoken", Buffer.from(JSON.stringify({ a: value })).toString("base64url")],
    ],
  ])();
}

const parameters = [
  ...["$filter", "$top", "$skiptoken", "$select", "$orderby", "$expand", "api-version", "top"],
  ...["from", "to", "vm", "subscriptionId", "policyId", "requestor", "awaiting", "state"],
  ...["breakGlass", "access_token", "code", "__proto__", "constructor", ""],
] as const;

const values = [
  ...[
    "x' or PartitionKey ne '",
    "properties/name eq 'x'",
    "0",
    "1001",
    "-1",
    "1e3",
    "0x10",
    "10.0",
  ],
  ...[
    "me",
    "open",
    "true",
    "*",
    "2030-01-31T18:00:00Z",
    "2030-01-31T18:00:00+02:00",
    "2015-06-01-preview",
  ],
] as const;

/** The address as it stands in the request line. */
export function targetOf(chance: Chance, path: string, query: readonly Pair[]): string {
  const raw = chance.isIn(97);
  const text = query
    .map(([name, value]) => `${encoded(name, raw)}=${encoded(value, raw)}`)
    .join("&");
  return query.length === 0 ? path : `${path}?${text}`;
}

/** Encoded; now and then as careless clients do: what would end the request line alone. */
function encoded(text: string, isCareful: boolean): string {
  return isCareful ? escaped(text) : text.toWellFormed().replace(/[\s#\p{Cc}]/gu, "%20");
}

/** The body as bytes, after something was done to them or to what they say. */
export function mutateBody(chance: Chance, body: unknown): Buffer {
  return chance.isIn(75)
    ? Buffer.from(JSON.stringify(mutated(chance, body)) ?? "")
    : mutateBytes(chance, Buffer.from(JSON.stringify(body) ?? "{}"));
}

function mutated(chance: Chance, body: unknown): unknown {
  const once = mutateJson(chance, body ?? {});
  return chance.isIn(20) ? mutateJson(chance, once) : once;
}

function mutateBytes(chance: Chance, bytes: Buffer): Buffer {
  const text = bytes.toString();
  const at = chance.int(0, bytes.length);
  const around = (middle: Buffer) =>
    Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(at)]);
  return chance.pick<() => Buffer>([
    () => bytes.subarray(0, at),
    () => around(Buffer.from([chance.int(0, 255)])),
    () => around(Buffer.from([0xc3, 0x28])),
    () => around(Buffer.from([0xed, 0xa0, 0x80])),
    () => Buffer.from(`\uFEFF${text}`),
    () => Buffer.from(text, "utf16le"),
    () => Buffer.from(`${text}${text}`),
    () => Buffer.from(`${text},`),
    () => Buffer.from(text.replace("{", '{"__proto__":{"a":1},')),
    () => Buffer.from(text.replace("{", '{"\\u005f_proto__":{"a":1},')),
    () => Buffer.from(text.replace(/"number":(\d+)/, '"number":65536,"number":$1')),
    () => Buffer.from(text.replace(/"number":(\d+)/, '"number":$1.0')),
    () => Buffer.from(text.replace(/\d+/, "1e400")),
    () => Buffer.from(text.replace(/\d+/, "NaN")),
    () => Buffer.from(`${"[".repeat(chance.pick([10, 65, 5_000]))}${text}`),
    () => Buffer.from(chance.pick(["", " ", "null", "[]", "1", '"x"', "true", "{", "\u0000"])),
    () => Buffer.alloc(chance.isIn(5) ? 4_200_000 : 70_000, " "),
  ])();
}

/** Headers beside those that every call has: honest ones, and some that nobody may believe. */
export function extraHeaders(chance: Chance): readonly Pair[] {
  return chance.some(headerMakers, 3).map((make) => make(chance));
}

const spoofed = [
  ...[
    "x-forwarded-for",
    "forwarded",
    "x-real-ip",
    "client-ip",
    "true-client-ip",
    "x-azure-clientip",
  ],
  ...["x-original-url", "x-rewrite-url", "x-forwarded-host", "x-ms-original-url"],
] as const;

const headerMakers: readonly ((chance: Chance) => Pair)[] = [
  (chance) => [
    "idempotency-key",
    chance.pick(["again", "and again", chance.guid(), "ü", "x".repeat(201)]),
  ],
  (chance) => ["idempotency-key", `key-${chance.int(1, 30)}`],
  (chance) => ["x-ms-client-request-id", chance.pick([chance.guid(), "no guid", ""])],
  (chance) => ["x-ms-correlation-request-id", chance.pick([chance.guid(), "<evil>"])],
  () => ["x-ms-return-client-request-id", "true"],
  (chance) => [
    chance.pick(spoofed),
    chance.pick(["203.0.113.7", "for=203.0.113.7", "::1", "a, b"]),
  ],
  () => ["x-ms-client-principal-id", "dbc4842e-9c24-5a1a-9a16-050442db0b7a"],
  () => [
    "x-ms-client-principal",
    Buffer.from('{"auth_typ":"aad","claims":[{"typ":"oid","val":"dbc4842e"}]}').toString("base64"),
  ],
  () => ["x-ms-client-principal-idp", "aad"],
  () => ["sec-fetch-site", "same-origin"],
  (chance) => ["content-type", chance.pick(contentTypes)],
  (chance) => ["accept", chance.pick(["text/csv", "*/*", "application/xml", "x".repeat(500)])],
  (chance) => ["x-http-method-override", chance.pick(["DELETE", "PUT"])],
  (chance) => ["if-match", chance.pick(["*", '"x"', 'W/"datetime"'])],
  (chance) => ["cookie", `a=${"b".repeat(chance.pick([1, 4_000]))}`],
  () => ["range", "bytes=0-1"],
  () => ["accept-encoding", "gzip, br"],
  () => ["content-encoding", "gzip"],
  () => ["origin", "https://evil.example"],
  () => ["connection", "keep-alive, x-ms-client-request-id"],
  (chance) => [`x-${chance.guid()}`, chance.pick(["ü", "\t", "a\tb", "x".repeat(7_000)])],
  () => ["expect", "100-continue"],
];

const contentTypes = [
  ...["application/json", "text/plain", "application/x-www-form-urlencoded", "application/xml"],
  ...["application/json; charset=utf-16", "multipart/form-data; boundary=x", "a", "application/"],
] as const;

/** More headers than a call may have. */
export const tooManyHeaders: readonly Pair[] = Array.from({ length: 120 }, (_, index) => [
  `x-${index}`,
  "x",
]);

/** Methods that no route has, or hardly any. */
export const otherMethods = [
  ...["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS"],
  ...["TRACE", "PROPFIND", "SEARCH", "LOCK"],
] as const;

/** What is no HTTP, or only almost. The server may answer that, or close. */
export const noHttp: readonly string[] = [
  "\r\n\r\n",
  "GET\r\n\r\n",
  "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
  "get / HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET /a b c HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET / HTTP/1.1\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: x\r\nBad Header: y\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: x\r\nX-A: b\nset-cookie: evil=1\n\r\n",
  "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
  "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "GET http:///x HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET //[ HTTP/1.1\r\nHost: [\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: \r\n\r\n",
  "GET / HTTP/1.1\r\nHost: a:b:c\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
  "\u0016\u0003\u0001\u0000\u0005hello\r\n\r\n",
];
