import { registered } from "@azure/functions-core";
import type { App, InvocationRequest, RegisteredFunction } from "../../../../../local/host/app.ts";

/** The functions that were registered in this Jest file, invoked without the library's pipeline but with the real SDK executor. */
export function recordedApp(): App {
  const functions = new Map<string, RegisteredFunction>();
  for (const [name, { metadata }] of registered) {
    const bindings = Object.entries(metadata.bindings).map(([binding, options]) => ({
      ...options,
      name: binding,
      direction: "in" as const,
    }));
    const trigger = bindings.find(({ type }) => type.endsWith("Trigger"));
    if (trigger) functions.set(name, { name, trigger, bindings });
  }
  return { functions, invoke };
}

async function invoke(name: string, { inputData }: InvocationRequest) {
  const callback = registered.get(name)?.callback;
  if (!callback) throw new Error(`There is no function ${name}.`);
  const input = JSON.parse(inputData[0]?.data.string ?? "null");
  const result = await callback(input, { df: undefined });
  const isNothing = result === undefined || result === null;
  const value = typeof result === "string" ? { string: result } : { json: JSON.stringify(result) };
  return { invocationId: "1", outputData: [], ...(!isNothing && { returnValue: value }) };
}
