import { readFile } from "node:fs/promises";

/** Memory that a process holds (resident set), in mebibytes. Linux alone tells; nothing elsewhere, or when the process has ended. */
export async function residentMib(pid: number | undefined): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? [];
  return kib === undefined ? undefined : Math.round(Number(kib) / 1_024);
}
