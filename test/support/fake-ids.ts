import { createHash } from "node:crypto";
import type { Ids } from "../../src/ports.ts";

/** Ids that count up, so that two runs of the same story are alike. Digests are real. */
export function createFakeIds(): Ids {
  let count = 0;
  return {
    next() {
      count += 1;
      return `00000000-0000-4000-8000-${String(count).padStart(12, "0")}`;
    },
    digest: (text) => createHash("sha256").update(text).digest("hex"),
  };
}
