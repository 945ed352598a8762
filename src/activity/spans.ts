/** A time from and to a moment, both in milliseconds since 1970; the end is not part of it. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** What of the span lies within the other; nothing when none of it does. */
function clipped(span: Span, within: Span): Span | undefined {
  const from = Math.max(span.from, within.from);
  const to = Math.min(span.to, within.to);
  return from < to ? { from, to } : undefined;
}

/** The parts within `within`, each for itself. */
export function allClipped(spans: readonly Span[], within: Span): readonly Span[] {
  return spans.flatMap((span) => clipped(span, within) ?? []);
}

/** All of their lengths, in milliseconds: where two overlap, the time counts twice. */
export function totalOf(spans: readonly Span[]): number {
  return spans.reduce((sum, { from, to }) => sum + Math.max(0, to - from), 0);
}

/** The times in which at least one of them is, in their order and apart from each other. */
export function union(spans: readonly Span[]): readonly Span[] {
  const merged: Span[] = [];
  for (const span of spans.toSorted((one, other) => one.from - other.from)) {
    const last = merged.at(-1);
    if (span.from >= span.to) {
      continue;
    }
    if (last === undefined || span.from > last.to) {
      merged.push(span);
    } else {
      merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, span.to) };
    }
  }
  return merged;
}

/** Milliseconds as minutes, to the hundredth. */
export const inMinutes = (milliseconds: number): number => Math.round(milliseconds / 600) / 100;

/** Milliseconds as hours, to the hundredth. */
export const inHours = (milliseconds: number): number => Math.round(milliseconds / 36_000) / 100;
