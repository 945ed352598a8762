import { Cron } from "croner";

/** When a timer function runs next. */
export interface Schedule {
  /** The first moment strictly after `moment`; undefined when there is none. */
  next(moment: Date): Date | undefined;
}

/** croner reads more than NCRONTAB does (`L`, `#`, `W`, `?`, `@daily`, years): what Azure would refuse is refused here. */
const FIELD =
  /^(?:[\d*,/-]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)+$/i;

/**
 * Reads NCRONTAB: six fields with seconds first, or five, which start at second 0; day of month and day of week must
 * both match. UTC unless `timeZone` is given. Throws with the reason.
 */
export function parseSchedule(expression: string, timeZone = "UTC"): Schedule {
  const fields = expression.trim().split(/\s+/);
  const strange = fields.find((field) => !FIELD.test(field));
  if ((fields.length !== 5 && fields.length !== 6) || strange !== undefined) {
    throw new Error(`"${expression}" is not an NCRONTAB expression of 6 (or 5) fields.`);
  }
  const cron = new Cron(fields.join(" "), {
    paused: true,
    mode: "5-or-6-parts",
    domAndDow: true,
    timezone: timeZone,
  });
  return { next: (moment) => cron.nextRun(moment) ?? undefined };
}

/** Replaces each `%NAME%` by the setting of that name. Throws when it does not exist. */
export function expandSettings(
  text: string,
  settings: Readonly<Record<string, string | undefined>>,
): string {
  return text.replace(/%([^%]+)%/g, (_, name: string) => {
    const value = settings[name];
    if (value === undefined) throw new Error(`there is no setting "${name}" for "${text}".`);
    return value;
  });
}
