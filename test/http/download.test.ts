import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "@jest/globals";
import type { Fact } from "../../src/activity/fact.ts";
import { csvHead, csvLine } from "../../src/http/activity-csv.ts";
import { type DownloadLimits, makeDownload } from "../../src/http/download.ts";
import { createDownloadSlots } from "../../src/http/download-slots.ts";
import { afterNoon, aPolicy, requestId, subscriptionId, vmId } from "../support/builders.ts";
import { people } from "../support/front-door.ts";

const limits: DownloadLimits = {
  isGzipped: false,
  mostBytes: 100_000,
  isTimeUp: () => false,
};

async function* from(...texts: readonly string[]) {
  yield* texts;
}

/** Lines of a thousand digits or so that do not repeat, so that they hardly shrink. */
async function* noise(count: number) {
  let state = 1;
  for (let index = 0; index < count; index += 1) {
    const numbers = Array.from({ length: 100 }, () => {
      state = (state * 48_271) % 2_147_483_647;
      return state;
    });
    yield `${numbers.join("")}\n`;
  }
}

describe("a download", () => {
  it.each([false, true])("is what was written, in its order (gzip: %s)", async (isGzipped) => {
    const made = await makeDownload(from("Ä\r\n", "", "💥\r\n"), { ...limits, isGzipped });

    const bytes = made.outcome === "made" ? Buffer.from(made.bytes) : Buffer.alloc(0);
    expect((isGzipped ? gunzipSync(bytes) : bytes).toString()).toBe("Ä\r\n💥\r\n");
  });

  it("of nothing is an empty file", async () => {
    const made = await makeDownload(from(), limits);

    expect(made).toEqual({ outcome: "made", bytes: Buffer.alloc(0) });
  });

  it.each([false, true])(
    "that would be too large is not made, and stops reading (gzip: %s)",
    async (isGzipped) => {
      let read = 0;
      let isClosed = false;
      async function* endless() {
        try {
          for await (const text of noise(Number.POSITIVE_INFINITY)) {
            read += text.length;
            yield text;
          }
        } finally {
          isClosed = true;
        }
      }

      const made = await makeDownload(endless(), { ...limits, isGzipped });

      expect(made).toEqual({ outcome: "too large" });
      expect(read).toBeLessThan(1_000_000);
      expect(isClosed).toBe(true);
    },
  );

  it("may have exactly as many bytes as are allowed, as they are sent", async () => {
    const text = "x".repeat(2_000);
    const plain = { ...limits, mostBytes: 2_000 };

    expect((await makeDownload(from(text), plain)).outcome).toBe("made");
    expect((await makeDownload(from(text, "x"), plain)).outcome).toBe("too large");
    expect((await makeDownload(from(text, "x"), { ...plain, isGzipped: true })).outcome).toBe(
      "made",
    );
  });

  it("that takes too long is not made", async () => {
    let asked = 0;
    const isTimeUp = () => {
      asked += 1;
      return asked > 3;
    };

    expect(await makeDownload(noise(Number.POSITIVE_INFINITY), { ...limits, isTimeUp })).toEqual({
      outcome: "too slow",
    });
  });

  it.each([false, true])(
    "whose texts cannot be had any more fails with that fault (gzip: %s)",
    async (isGzipped) => {
      async function* broken() {
        yield* noise(100);
        throw new Error("storage is down");
      }

      await expect(makeDownload(broken(), { ...limits, isGzipped })).rejects.toThrow(
        "storage is down",
      );
    },
  );

  describe("of very many facts", () => {
    const about = {
      subscriptionId,
      policyId: aPolicy().id,
      vmId: vmId(),
      requestId,
      actor: people.alice,
      requestor: people.alice,
      justification: "INC-4711, disk full",
    };
    async function* lines(count: number, onLine: (line: string) => void = () => undefined) {
      yield csvHead;
      for (let made = 0; made < count; made += 1) {
        const id = `${requestId}-${made}`;
        const at = afterNoon(-made);
        const fact: Fact = {
          ...about,
          version: 1,
          id,
          at,
          operation: "access.open",
          outcome: "done",
        };
        const line = csvLine({ fact });
        onLine(line);
        yield line;
      }
    }

    it("holds the compressed file alone: of 10,000 less than a tenth of their text", async () => {
      const held: number[] = [];

      const file = await makeDownload(lines(10_000), {
        ...limits,
        isGzipped: true,
        mostBytes: 16 * 1024 * 1024,
        onKept: (bytes) => held.push(bytes),
      });

      const bytes = file.outcome === "made" ? file.bytes : new Uint8Array();
      const text = gunzipSync(bytes);
      expect(text.length).toBeGreaterThan(5_000_000);
      expect(Math.max(...held)).toBe(bytes.length);
      expect(bytes.length).toBeLessThan(text.length / 10);
    });

    it("reads no more than a few pieces ahead of what is in the file", async () => {
      let [read, held, mostAhead] = [0, 0, 0];
      const onLine = (line: string) => {
        read += line.length;
        mostAhead = Math.max(mostAhead, read - held);
      };

      await makeDownload(lines(3_000, onLine), {
        ...limits,
        mostBytes: 100_000_000,
        onKept: (bytes) => {
          held = bytes;
        },
      });

      expect(held).toBeGreaterThan(1_500_000);
      expect(mostAhead).toBeLessThan(400_000);
    });
  });
});

describe("the places for downloads", () => {
  const { alice, bob, dan } = people;

  it("are two for each caller and four in all, and are free again once given back", () => {
    const slots = createDownloadSlots();
    const first = slots.take(alice);
    const outcomes = [alice, alice, bob, bob, dan].map((who) => slots.take(who).outcome);
    expect(outcomes).toEqual(["taken", "caller is busy", "taken", "taken", "all are busy"]);

    if (first.outcome === "taken") {
      first.release();
    }
    expect([dan, dan].map((who) => slots.take(who).outcome)).toEqual(["taken", "all are busy"]);
  });
});
