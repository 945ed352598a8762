/** The first and the last day of a month (`2026-11`), such as `2026-11-01` and `2026-11-30`. */
export function daysOfMonth(month: string): { readonly from: string; readonly to: string } {
  return { from: `${month}-01`, to: new Date(endOf(month) - 1).toISOString().slice(0, 10) };
}

/** The moment at which the month after begins, in milliseconds. */
export function endOf(month: string): number {
  const [year = 0, number = 1] = month.split("-").map(Number);
  return Date.UTC(year, number, 1);
}
