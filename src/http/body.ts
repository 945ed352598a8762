import type { HttpRequest } from "@azure/functions";
import { type Outcome, ok, refused } from "../reasons.ts";
import { parseJson } from "./json.ts";
import type { Call } from "./route.ts";

/** ARM's own limit for request bodies. */
export const largestBody = 4 * 1_024 * 1_024;

/** Reads the JSON body when first asked; whoever asks again gets what the first was told, as a body can be read only once. */
export function lazyBody(request: HttpRequest): Pick<Call, "body" | "bodyOr"> {
  let read: Promise<Outcome<string>> | undefined;
  const text = () => {
    read ??= readText(request);
    return read;
  };
  return {
    async body() {
      const told = await text();
      return told.outcome === "refused" ? told : parseJson(told.value);
    },
    async bodyOr(value) {
      const told = await text();
      return told.outcome === "ok" && told.value.trim() === "" ? ok(value) : this.body();
    },
  };
}

/**
 * NB. The content type is not looked at: `curl -d` says that JSON is a form. What keeps another site's form from being believed is in
 * {@link file://./easy-auth.ts}.
 */
async function readText(request: HttpRequest): Promise<Outcome<string>> {
  const tooLarge = refused({
    code: "RequestContentTooLarge",
    message: `The body may hold ${largestBody} bytes at most. Split the policy or the request.`,
    target: "body",
  });
  if (Number(request.headers.get("content-length") ?? 0) > largestBody) {
    return tooLarge;
  }
  const bytes = await request.arrayBuffer();
  if (bytes.byteLength > largestBody) {
    return tooLarge;
  }
  const text = decoded(bytes);
  return text === undefined
    ? refused({
        code: "InvalidRequestContent",
        message: "The body is not UTF-8; expected a JSON object in UTF-8.",
        target: "body",
      })
    : ok(text);
}

function decoded(bytes: ArrayBuffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
