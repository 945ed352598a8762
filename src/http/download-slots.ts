import type { Principal } from "../caller/caller.ts";
import { type Answer, problemOf } from "./problem.ts";

const retryAfterSeconds = 15;

/** Downloads that are being made at the same moment, in this process. */
const most = { ofOneCaller: 2, inAll: 4 } as const;

/** A place for a download, to be given back; or whose downloads have to be over first. */
export type Slot =
  | { readonly outcome: "taken"; release(): void }
  | { readonly outcome: "caller is busy" }
  | { readonly outcome: "all are busy" };

/** Hands out places for downloads. NB. Each holds as much memory as a file may have; nobody takes all of them. */
export function createDownloadSlots(): { take(caller: Principal): Slot } {
  const running = new Map<string, number>();
  let inAll = 0;
  return {
    take({ tenantId, objectId }) {
      const who = `${tenantId}/${objectId}`.toLowerCase();
      const own = running.get(who) ?? 0;
      if (own >= most.ofOneCaller) {
        return { outcome: "caller is busy" };
      }
      if (inAll >= most.inAll) {
        return { outcome: "all are busy" };
      }
      running.set(who, own + 1);
      inAll += 1;
      return {
        outcome: "taken",
        release() {
          const left = (running.get(who) ?? 1) - 1;
          inAll -= 1;
          if (left === 0) {
            running.delete(who);
          } else {
            running.set(who, left);
          }
        },
      };
    },
  };
}

/** What the work answers, done in a place of its own; 429 or 503 where there is none free. */
export async function inSlot(
  slots: ReturnType<typeof createDownloadSlots>,
  caller: Principal,
  work: () => Promise<Answer>,
): Promise<Answer> {
  const slot = slots.take(caller);
  if (slot.outcome !== "taken") {
    return busy(slot.outcome);
  }
  try {
    return await work();
  } finally {
    slot.release();
  }
}

function busy(why: "caller is busy" | "all are busy"): Answer {
  const again = `Try again in ${retryAfterSeconds} seconds.`;
  const answer =
    why === "caller is busy"
      ? problemOf("TooManyRequests", `Downloads of yours are still being made. ${again}`)
      : problemOf("ServiceUnavailable", `Too many downloads are being made. ${again}`);
  return { ...answer, headers: { "retry-after": String(retryAfterSeconds) } };
}
