/**
 * Where somebody who fetches the activity of a subscription has got to. Days are whole numbers, counted in UTC from 1970, as the chains
 * are by day.
 */
export interface ExportCursor {
  /** Everything before this day has been fetched. */
  readonly day: number;
  /** The sequence up to which each day's chain was fetched, from `day` on; of days after the last nothing was. */
  readonly reached: readonly number[];
}

/** The last days, today included, are looked at again each time: a fact may be recorded after others of its time. */
export const openDays = 8;

const dayMs = 86_400_000;

export const dayOf = (time: Date): number => Math.floor(time.getTime() / dayMs);

/** The day as `2026-11-26`. */
export const dayText = (day: number): string => new Date(day * dayMs).toISOString().slice(0, 10);

/** The cursor as text for headers and addresses, good for that subscription alone. */
export function writeCursor({ day, reached }: ExportCursor, subscriptionId: string): string {
  const last = reached.findLastIndex((sequence) => sequence > 0);
  const parts = [version, subscriptionId.toLowerCase(), day, ...reached.slice(0, last + 1)];
  return Buffer.from(parts.join(" ")).toString("base64url");
}

/**
 * The cursor after a call that went through `finished` days to their end: those that are not open any more are behind it.
 */
export function movedCursor(
  { day, reached }: ExportCursor,
  finished: number,
  today: number,
): ExportCursor {
  const behind = Math.max(0, Math.min(finished, today - openDays + 1 - day));
  return { day: day + behind, reached: reached.slice(behind) };
}

/** What {@link writeCursor} wrote, or nothing when the text is of something else. */
export function readCursor(text: string, subscriptionId: string): ExportCursor | undefined {
  const [of, owner, ...numbers] = Buffer.from(text, "base64url").toString("latin1").split(" ");
  const [day, ...reached] = numbers.filter((one) => wholeNumber.test(one)).map(Number);
  const isOurs = of === version && owner === subscriptionId.toLowerCase();
  return isOurs &&
    day !== undefined &&
    day <= latestDay &&
    reached.length === numbers.length - 1 &&
    reached.length <= openDays + 1
    ? { day, reached }
    : undefined;
}

const version = "1";
const wholeNumber = /^(?:0|[1-9]\d{0,14})$/;
/** The end of the year 9999. */
const latestDay = 2_932_896;
