import { type Outcome, ok, refused } from "../reasons.ts";

/** Objects and lists may stand so deep in each other; a policy needs seven levels. */
export const deepestJson = 64;

/**
 * Reads JSON from outside. Where a member is named twice, the last one counts, as for `JSON.parse`; everything that decides or
 * audits sees that one. NB. Nesting is bounded before anything is parsed, and a member `__proto__` is refused at any depth: what is copied
 * from it later could change what all objects inherit. `constructor` and `prototype` are members like any others.
 */
export function parseJson(text: string): Outcome<unknown> {
  if (isTooDeep(text)) {
    return bad(`The body is nested deeper than ${deepestJson} levels.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return bad("The body is not JSON; expected a JSON object in UTF-8.");
  }
  // Written out or with escapes; most bodies have neither, and need no walk.
  const mayPollute = text.includes("__proto__") || text.includes("\\u00");
  return mayPollute && holdsPrototype(value)
    ? bad("The body has a member named '__proto__', which no field of ours is.")
    : ok(value);
}

function bad(message: string): Outcome<never> {
  return refused({ code: "InvalidRequestContent", message, target: "body" });
}

function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '"':
        at = endOfString(text, at);
        break;
      case "{":
      case "[":
        depth += 1;
        break;
      case "}":
      case "]":
        depth -= 1;
        break;
      default:
    }
    if (depth > deepestJson) {
      return true;
    }
  }
  return false;
}

/** Where the string that begins at `start` ends: at the next quote before which an even number of backslashes stands. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === "\\") {
      backslashes += 1;
    }
    if (backslashes % 2 === 0) {
      return end;
    }
  }
  return text.length;
}

/** NB. Recursion is safe: the depth is bounded. */
function holdsPrototype(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    (Object.hasOwn(value, "__proto__") || Object.values(value).some(holdsPrototype))
  );
}
