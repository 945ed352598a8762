import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";

/** A file that is sent in one piece, as its bytes are to be sent. */
export type Download =
  | { readonly outcome: "made"; readonly bytes: Uint8Array<ArrayBuffer> }
  /** It would be larger than that, or take longer; nothing of it is sent. */
  | { readonly outcome: "too large" }
  | { readonly outcome: "too slow" };

export interface DownloadLimits {
  readonly isGzipped: boolean;
  /** Bytes as they are sent: compressed where they are. */
  readonly mostBytes: number;
  /** Asked again and again while the file is made. */
  readonly isTimeUp: () => boolean;
  /** Told what is held in memory of the file so far, in bytes. */
  readonly onKept?: ((bytes: number) => void) | undefined;
}

/** Texts go into the file in pieces of so many characters: compressing each line for itself would cost more than the lines. */
const pieceSize = 65_536;

/** Ends the file from within, wherever it is thrown. */
export class DownloadEnded extends Error {
  readonly outcome: "too large" | "too slow";

  constructor(outcome: "too large" | "too slow") {
    super(`The download is ${outcome}.`);
    this.outcome = outcome;
  }
}

/**
 * The texts as one file, one after the other. They are asked for only as fast as they are taken up, and only the file's bytes are kept, so that
 * it costs the same memory however long it is. Throws what a text that cannot be had throws.
 */
export async function makeDownload(
  texts: AsyncIterable<string>,
  limits: DownloadLimits,
): Promise<Download> {
  // Room for the largest there may be, so that the pieces need not be copied into one at the end; the system gives memory only to what is written.
  const room = Buffer.allocUnsafeSlow(limits.mostBytes);
  let size = 0;
  const faults: unknown[] = [];
  const pieces = Readable.from(noting(faults, inPieces(texts, limits.isTimeUp)), {
    highWaterMark: 1,
  });
  const keep = async (chunks: AsyncIterable<Buffer | string>): Promise<void> => {
    for await (const bytes of noting(faults, withinLimit(chunks, limits))) {
      size += bytes.copy(room, size);
    }
  };
  try {
    await (limits.isGzipped ? pipeline(pieces, createGzip(), keep) : pipeline(pieces, keep));
  } catch (error) {
    // Node may tell of the end of the stream (AbortError) in place of its cause.
    const [fault] = [...faults, error];
    if (fault instanceof DownloadEnded) {
      return { outcome: fault.outcome };
    }
    throw fault;
  }
  return { outcome: "made", bytes: room.subarray(0, size) };
}

/** The same items; a fault is noted before it is thrown on. */
async function* noting<T>(faults: unknown[], items: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (error) {
    faults.push(error);
    throw error;
  }
}

async function* inPieces(
  texts: AsyncIterable<string>,
  isTimeUp: () => boolean,
): AsyncGenerator<string> {
  let piece = "";
  for await (const text of texts) {
    if (isTimeUp()) {
      throw new DownloadEnded("too slow");
    }
    piece += text;
    if (piece.length >= pieceSize) {
      yield piece;
      piece = "";
    }
  }
  if (piece !== "") {
    yield piece;
  }
}

async function* withinLimit(
  chunks: AsyncIterable<Buffer | string>,
  { mostBytes, onKept }: DownloadLimits,
): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of chunks) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    size += bytes.length;
    if (size > mostBytes) {
      throw new DownloadEnded("too large");
    }
    onKept?.(size);
    yield bytes;
  }
}
