import type { Principal } from "../caller/caller.ts";

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
