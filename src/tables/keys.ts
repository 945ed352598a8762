import { createHash } from "node:crypto";
import { keyText } from "../activity/row-keys.ts";
import { idKey } from "../policy/resource-id.ts";

/** SHA-256 of a text as 64 lower-case hex digits. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** A text as part of a PartitionKey or RowKey; see {@link keyText}. */
export function encodeKey(text: string): string {
  return keyText(text, sha256);
}

/** An ARM id as a key, the same for every way to write its case and slashes. */
export function encodeId(id: string): string {
  return encodeKey(idKey(id));
}
