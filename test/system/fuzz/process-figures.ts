import { readFile } from "node:fs/promises";

/** What a process has taken so far. */
export interface ProcessFigures {
  /** Resident set, in mebibytes. */
  readonly memoryMib: number;
  /** Of one processor, in seconds. */
  readonly cpuSeconds: number;
}

/** Linux counts processor time in hundredths of a second (proc(5), sysconf(_SC_CLK_TCK)). */
const ticksPerSecond = 100;

/** Linux alone tells; zeros elsewhere, or when the process has ended. */
export async function figuresOf(pid: number | undefined): Promise<ProcessFigures> {
  const read = (file: string) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
  const [status, stat] = await Promise.all([read("status"), read("stat")]);
  const [, kib = 0] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? [];
  // Behind the name, which may hold anything, up to its last parenthesis: the 14th and 15th field of all.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  return { memoryMib: Math.round(Number(kib) / 1_024), cpuSeconds: ticks / ticksPerSecond };
}
