import { readFile } from "node:fs/promises";

/** Linux counts in hundredths of a second, on every architecture there is. */
const ticksPerSecond = 100;

/** How long a process has kept processors busy, in seconds; nothing where the operating system is another than Linux. */
export async function processorSeconds(pid: number | undefined): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // The name in brackets may hold anything; utime and stime are the 12th and 13th after it (proc(5)).
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields === undefined
    ? undefined
    : (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}
