/** An answer as it came over the wire. */
export interface WireAnswer {
  readonly status: number;
  /** Names in lower case; of several of one name the last. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/**
 * Takes the first answer off what was received: nothing while it is not all there. An answer that tells no length ends with the
 * connection. Interim answers (1xx) are passed over.
 */
export function takeAnswer(
  received: Buffer,
  isHead: boolean,
  isClosed: boolean,
): { readonly answer: WireAnswer; readonly rest: Buffer } | undefined {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd < 0) {
    return undefined;
  }
  const [first = "", ...lines] = received.subarray(0, headEnd).toString("latin1").split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? Number.NaN);
  const after = received.subarray(headEnd + 4);
  if (status < 200) {
    return takeAnswer(after, isHead, isClosed);
  }
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const size = isHead || status === 204 || status === 304 ? 0 : lengthOf(headers, after, isClosed);
  return size === undefined || after.length < size
    ? undefined
    : {
        answer: { status, headers, text: after.subarray(0, size).toString() },
        rest: after.subarray(size),
      };
}

function lengthOf(
  headers: Readonly<Record<string, string>>,
  after: Buffer,
  isClosed: boolean,
): number | undefined {
  const length = headers["content-length"];
  return length === undefined ? (isClosed ? after.length : undefined) : Number(length);
}
