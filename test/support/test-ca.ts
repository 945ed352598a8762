import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalCa, type LocalCa } from "../../local/tls.ts";

/** A certificate authority in a folder that is gone again when this answers. */
export async function createTestCa(): Promise<LocalCa> {
  const dir = await mkdtemp(join(tmpdir(), "jit-access-test-"));
  try {
    return await createLocalCa(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
