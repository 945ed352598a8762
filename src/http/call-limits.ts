import type { HttpRequest } from "@azure/functions";
import { quote, type Refusal, refused } from "../reasons.ts";

/**
 * What a call may hold beside its body. Headers as Kestrel, the platform's web server, limits them unless told otherwise (100, of
 * 32 KiB in all); a host that lets more through gets the same answer from us. Sizes in characters.
 */
export const callLimits = {
  headers: 100,
  headerText: 32_768,
  address: 8_192,
  parameters: 20,
} as const;

/** Why a call is too large or too ambiguous to be looked at, or nothing when it is not. Says the same to everybody. */
export function callFault(request: HttpRequest): Refusal | undefined {
  return headerFault(request) ?? addressFault(request.url);
}

function headerFault({ headers }: HttpRequest): Refusal | undefined {
  let [count, size] = [0, 0];
  for (const [name, value] of headers) {
    count += 1;
    size += name.length + value.length;
  }
  return count > callLimits.headers || size > callLimits.headerText
    ? refused({
        code: "RequestHeadersTooLarge",
        message: `A call may have ${callLimits.headers} headers of ${callLimits.headerText} characters in all.`,
        target: "headers",
      })
    : undefined;
}

function addressFault(address: string): Refusal | undefined {
  if (address.length > callLimits.address) {
    const message = `An address may have ${callLimits.address} characters.`;
    return refused({ code: "RequestUriTooLong", message, target: "path" });
  }
  const names = [...new URL(address).searchParams.keys()];
  if (names.length > callLimits.parameters) {
    const message = `An address may have ${callLimits.parameters} query parameters.`;
    return refused({ code: "InvalidQuery", message, target: "query" });
  }
  // NB. Which of two values counts is a matter of taste, so nobody is left to guess. Clients that follow a nextLink do add api-version again.
  const twice = names.find((name, index) => name !== "api-version" && names.indexOf(name) < index);
  return twice === undefined
    ? undefined
    : refused({
        code: "InvalidQuery",
        message: `The query parameter ${quote(twice)} is given more than once.`,
        target: twice,
      });
}
