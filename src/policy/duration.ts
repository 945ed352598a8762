/** ISO 8601 durations of days, hours, minutes and seconds; years, months and weeks have no fixed length or no use here. */
const pattern = /^P(?:(\d{1,4})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?$/;

const secondsPer = { day: 86_400, hour: 3_600, minute: 60 } as const;

/** The length of an ISO 8601 duration in seconds, or nothing when it is none (`PT`, `P`, signs, months, fractions). */
export function durationSeconds(text: string): number | undefined {
  const match = pattern.exec(text);
  if (match === null || /[PT]$/.test(text)) {
    return undefined;
  }
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  return (
    (days ?? 0) * secondsPer.day +
    (hours ?? 0) * secondsPer.hour +
    (minutes ?? 0) * secondsPer.minute +
    (seconds ?? 0)
  );
}

/** A number of whole seconds as the shortest ISO 8601 duration: 10800 is `PT3H`, 86400 is `P1D`. */
export function formatDuration(totalSeconds: number): string {
  const days = Math.floor(totalSeconds / secondsPer.day);
  const hours = Math.floor((totalSeconds % secondsPer.day) / secondsPer.hour);
  const minutes = Math.floor((totalSeconds % secondsPer.hour) / secondsPer.minute);
  const seconds = totalSeconds % secondsPer.minute;
  const date = days > 0 ? `${days}D` : "";
  const time = `${hours > 0 ? `${hours}H` : ""}${minutes > 0 ? `${minutes}M` : ""}${seconds > 0 ? `${seconds}S` : ""}`;
  return date === "" && time === "" ? "PT0S" : `P${date}${time === "" ? "" : `T${time}`}`;
}
