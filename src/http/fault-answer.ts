import { type Answer, problemOf } from "./problem.ts";

/** Faults of Azure, storage or sign-in keys that pass by themselves; the adapters and their SDKs throw these. */
const outages: readonly string[] = [
  "ArmError",
  "AuthenticationError",
  "CredentialUnavailableError",
  "KeysUnavailable",
  "RestError",
];

/** What a caller is told of a fault: never its text, always where the operator finds it. */
export function faultAnswer(error: unknown, requestId: string): Answer {
  const name = error instanceof Error ? error.name : "";
  if (name === "BodyTooLarge") {
    const message = "The policy or request is too large to be stored, even compressed. Split it.";
    return problemOf("RequestContentTooLarge", message, "body");
  }
  const found = `the operator finds it in the log by request id ${requestId}.`;
  return outages.includes(name)
    ? problemOf(
        "ServiceUnavailable",
        `Something this service needs did not answer. Try again in a moment; ${found}`,
      )
    : problemOf("InternalError", `An unforeseen fault; ${found}`);
}
