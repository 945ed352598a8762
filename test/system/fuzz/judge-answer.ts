import { type FuzzCall, headerOf, isForApp } from "./fuzz-call.ts";
import type { WireAnswer } from "./http-answer.ts";

/** All that is wrong with an answer, whatever was asked. */
export function judgeAnswer(call: FuzzCall, answer: WireAnswer): readonly string[] {
  const { status, headers, text } = answer;
  if (status >= 500 || Number.isNaN(status)) {
    return [`answered ${status}`];
  }
  if (isHosts(call, answer)) {
    return [];
  }
  const isHead = call.method === "HEAD";
  return [
    ...(/^[\da-f-]{36}$/.test(headers["x-ms-request-id"] ?? "") ? [] : ["has no x-ms-request-id"]),
    ...(headers["x-content-type-options"] === "nosniff" && headers["content-security-policy"]
      ? []
      : ["has no security headers"]),
    ...(isHead || status === 204 || status === 200 ? [] : bodyFaults(answer)),
    ...(/\bat .*\.(ts|cjs|js):\d+|node_modules|eyJ[\w-]+\.eyJ/.test(text)
      ? ["tells of its inside"]
      : []),
    ...headerFaults(call, answer),
    ...identityFaults(call, answer),
  ];
}

/** Whether it is an answer of the host where the host may answer. */
function isHosts(call: FuzzCall, { status, headers }: WireAnswer): boolean {
  const isRefusal = [400, 404, 405, 408, 411, 413, 414, 417, 431, 501].includes(status);
  return !isForApp(call) && isRefusal && headers["x-ms-request-id"] === undefined;
}

function bodyFaults({ status, headers, text }: WireAnswer): readonly string[] {
  const body = parsed(text);
  const isJson = /^application\/json/.test(headers["content-type"] ?? "") && body !== undefined;
  if (!isJson) {
    return [`is no JSON: ${text.slice(0, 200)}`];
  }
  const { error } = body as { error?: { code?: unknown; message?: unknown; details?: unknown } };
  const isArm =
    typeof error?.code === "string" &&
    typeof error.message === "string" &&
    error.message !== "" &&
    Array.isArray(error.details);
  return status < 400 || isArm ? [] : [`has no error in ARM's shape: ${text.slice(0, 200)}`];
}

function headerFaults(call: FuzzCall, { status, headers }: WireAnswer): readonly string[] {
  const strange = ["set-cookie", "server", "x-powered-by", "x-evil"].filter(
    (name) => headers[name] !== undefined,
  );
  const needed = { 401: "www-authenticate", 405: "allow", 429: "retry-after" }[status];
  const mine = headerOf(call, "x-ms-correlation-request-id") ?? "";
  const isGuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(mine);
  return [
    ...strange.map((name) => `has a header '${name}'`),
    ...(needed === undefined || headers[needed] ? [] : [`${status} without '${needed}'`]),
    ...(isGuid && headers["x-ms-correlation-request-id"] !== mine
      ? ["does not tell the correlation id"]
      : []),
  ];
}

/** Statuses that are the same for everybody, and may come before anybody is asked who they are. */
const forEverybody = [400, 404, 414, 429, 431];

/** Nobody gets more than a refusal; who is known is not told otherwise; who has no right at all sees nothing. */
function identityFaults(call: FuzzCall, { status, text }: WireAnswer): readonly string[] {
  const { person, isCertain } = call.identity;
  const isOpen = call.purpose === "health" || /health\/(live|ready)/i.test(call.target);
  if (person === undefined) {
    const isRefused = status === 401 || forEverybody.includes(status);
    return isRefused || isOpen ? [] : [`nobody was answered ${status}: ${text.slice(0, 200)}`];
  }
  if (isCertain && status === 401) {
    return [`'${person}' was not known: ${text.slice(0, 300)}`];
  }
  const list = person === "eve" && status < 300 && !isOpen ? parsed(text) : undefined;
  const isEmpty =
    list === undefined || JSON.stringify((list as { value?: unknown }).value) === "[]";
  return isEmpty ? [] : [`'eve', who has no rights, was told ${text.slice(0, 200)}`];
}

/** The text as JSON; nothing where it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
