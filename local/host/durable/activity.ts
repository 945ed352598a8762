import type { App, TypedData } from "../app.ts";
import { type NewEvent, newEvent } from "./history.ts";
import type { Call } from "./schedule.ts";

/** Runs an activity once. Never rejects: how it ended is the event its orchestration gets. */
export async function runActivity(
  app: App,
  call: Call & { readonly kind: "activity" },
  instanceId: string,
): Promise<NewEvent> {
  try {
    const trigger = app.functions.get(call.name)?.trigger;
    if (!trigger) throw new Error("it doesn't exist, is disabled, or is not an activity function.");
    const { returnValue } = await app.invoke(call.name, {
      inputData: [{ name: trigger.name, data: { string: inputText(call.input) } }],
      triggerMetadata: { instanceId: { string: instanceId } },
    });
    return newEvent("TaskCompleted", { TaskScheduledId: call.id, Result: toJson(returnValue) });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // Two spaces after the colon, as on Azure.
    return newEvent("TaskFailed", {
      TaskScheduledId: call.id,
      Reason: `Activity function '${call.name}' failed:  ${message}`,
      Details: JSON.stringify({ $type: "System.Exception", Message: message }),
    });
  }
}

/** The call's input is `[value]`. The SDK has made text of texts once already, so those go as they are. */
function inputText(input: string): string {
  const [value]: unknown[] = JSON.parse(input);
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The worker's value as JSON text; null for no value. */
function toJson(value: TypedData | undefined): string | null {
  if (value?.json !== undefined) return value.json;
  if (value?.string !== undefined) return JSON.stringify(value.string);
  if (value?.bytes !== undefined)
    return JSON.stringify(Buffer.from(value.bytes).toString("base64"));
  const number = value?.int ?? value?.double;
  return number === undefined ? null : String(number);
}
