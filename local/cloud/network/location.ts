import type { ArmResource } from "../estate.ts";
import { refused } from "./rule-errors.ts";

/** The location a PUT asks for, in ARM's short form. Throws ARM's refusal of none, or of another than the resource has. */
export function locationOf(id: string, before: ArmResource | undefined, asked: unknown): string {
  if (typeof asked !== "string" || asked === "") {
    throw refused("LocationRequired", "The location property is required for this definition.");
  }
  const location = asked.replaceAll(" ", "").toLowerCase();
  const held = before?.location;
  if (held !== undefined && held !== location) {
    throw refused(
      "InvalidResourceLocation",
      `The resource '${id}' already exists in location '${held}'. A resource with the same name cannot be created in location '${location}'.`,
    );
  }
  return location;
}
