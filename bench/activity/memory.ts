import { readFile, writeFile } from "node:fs/promises";

/** Memory of a process, in bytes: what it has now, and the most since it was last asked to forget. */
interface Memory {
  readonly resident: number;
  readonly peak: number;
}

/** What Linux tells (proc(5), VmRSS and VmHWM); nothing on other systems. */
async function memoryOf(pid: number): Promise<Memory | undefined> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const bytes = (name: string) => {
    const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1_024;
  };
  const [resident, peak] = [bytes("VmRSS"), bytes("VmHWM")];
  return resident === undefined || peak === undefined ? undefined : { resident, peak };
}

/** Lets the peak begin anew (proc(5), clear_refs); nothing happens on other systems. */
async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, "5").catch(() => undefined);
}

/** How the memory of a process was before, at its highest and after some work, in bytes. */
export interface Growth {
  readonly before: number;
  readonly peak: number;
  readonly after: number;
}

/** Nothing where the system does not tell. */
export async function growthDuring<T>(
  pid: number,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly growth: Growth | undefined }> {
  await forgetPeak(pid);
  const before = await memoryOf(pid);
  const result = await work();
  const after = await memoryOf(pid);
  const growth = before &&
    after && { before: before.resident, peak: after.peak, after: after.resident };
  return { result, growth };
}
