/** Headers in which a client says what it takes, and how much it likes it (RFC 9110, 12.4.2 and 12.5). */

/** NB. As many entries are looked at; what follows them counts as not said. */
const mostEntries = 50;

/** The quality that a header gives to a value, by the first of `names` that it speaks of; nothing where it speaks of none. */
function quality(header: string, names: readonly string[]): number | undefined {
  const entries = header
    .split(",", mostEntries)
    .map((entry) => entry.split(";").map((part) => part.trim().toLowerCase()));
  for (const name of names) {
    const entry = entries.find(([value]) => value === name);
    if (entry !== undefined) {
      const said = entry.map((part) => /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.exec(part)?.[1]);
      return Number(said.find((one) => one !== undefined) ?? 1);
    }
  }
  return undefined;
}

/** Whether an answer may be sent as gzip: only to those who say so. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  return (quality(acceptEncoding ?? "", ["gzip", "x-gzip", "*"]) ?? 0) > 0;
}

/** The media type of those offered that the client likes best; between equals, and for whoever likes none, the first. */
export function preferredType<T extends string>(
  accept: string | undefined,
  offered: readonly [T, ...(readonly T[])],
): T {
  const liking = (type: string) =>
    quality(accept ?? "", [type, `${type.split("/")[0]}/*`, "*/*"]) ?? 0;
  return offered.reduce((best, type) => (liking(type) > liking(best) ? type : best));
}
