import { gunzipSync, gzipSync } from "node:zlib";

/** Table Storage: a property holds 64 KiB, an entity 1 MiB in all. 15 chunks leave room for keys, names and columns. */
const limits = { chunkBytes: 64 * 1024, chunks: 15 } as const;

/** Up to here a body stays readable JSON; a string property takes two bytes a character. */
const plainCharacters = 16_000;

/** A value that does not fit one entity even when compressed. */
export class BodyTooLarge extends Error {
  override readonly name = "BodyTooLarge";
  readonly compressedBytes: number;

  constructor(compressedBytes: number) {
    super(
      `The value takes ${compressedBytes} bytes compressed; expected at most ${limits.chunkBytes * limits.chunks}.`,
    );
    this.compressedBytes = compressedBytes;
  }
}

/** A JSON value as entity properties: `body` as text when short, else gzip in `body0`, `body1`, …. Write with Replace, never Merge. */
export function packBody(value: unknown): Record<string, string | Uint8Array> {
  return packText(asciiJson(value));
}

/** As {@link packBody}, of JSON that {@link asciiJson} made. */
export function packText(text: string): Record<string, string | Uint8Array> {
  if (text.length <= plainCharacters) {
    return { body: text };
  }
  const bytes = gzipSync(text);
  const count = Math.ceil(bytes.length / limits.chunkBytes);
  if (count > limits.chunks) {
    throw new BodyTooLarge(bytes.length);
  }
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `body${index}`,
      bytes.subarray(index * limits.chunkBytes, (index + 1) * limits.chunkBytes),
    ]),
  );
}

/** A value as JSON in ASCII alone: Azurite 3.37 spoils other characters in request bodies of over about 64 KiB. */
export function asciiJson(value: unknown): string {
  const escaped = (character: string) =>
    `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replace(/[^\x20-\x7e]/g, escaped);
}

/** The value that {@link packBody} made the properties from. The type is the caller's word: only this folder writes these tables. */
export function unpackBody<T>(entity: Readonly<Record<string, unknown>>): T {
  return JSON.parse(unpackText(entity));
}

/** The text that {@link packText} made the properties from; throws where they are damaged. */
export function unpackText(entity: Readonly<Record<string, unknown>>): string {
  const { body } = entity;
  return typeof body === "string" ? body : gunzipSync(chunksOf(entity)).toString("utf8");
}

/** The value as it will come back from storage: fields that are `undefined` are not there. */
export function asStored<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

function chunksOf(entity: Readonly<Record<string, unknown>>): Uint8Array {
  const chunks: Uint8Array[] = [];
  for (let index = 0; ; index++) {
    const chunk = entity[`body${index}`];
    if (!(chunk instanceof Uint8Array)) {
      return Buffer.concat(chunks);
    }
    chunks.push(chunk);
  }
}
