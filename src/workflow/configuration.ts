import { configurationFact, type ToldSettings } from "../activity/configuration-facts.ts";
import type { ActivityStore } from "../activity/store.ts";
import type { Log } from "../log.ts";
import { changesBetween, firstChanges } from "../policy/changes.ts";
import type { Clock, Ids, SettingsStore } from "../ports.ts";
import { guarded } from "./serial.ts";

interface Ports {
  readonly clock: Pick<Clock, "now">;
  readonly ids: Pick<Ids, "digest">;
  readonly log: Log;
  readonly activity: ActivityStore;
  readonly settings: SettingsStore;
}

/**
 * Tells the audit once that this process runs with other settings than were told last. For a timer: until it has worked, each call
 * tries again; it never rejects. NB. The fact before the row: who dies in between tells the same fact again.
 */
export function createConfigurationTeller(
  ports: Ports,
  now: ToldSettings,
  subscriptionId: string,
): () => Promise<void> {
  let isDone = false;

  async function tell(): Promise<boolean> {
    const last = await ports.settings.last();
    const revision = (last?.value.revision ?? 0) + 1;
    const changes = changesBetween(mapOf(last?.value.settings), mapOf(now));
    if (changes.length === 0) {
      return true;
    }
    const print = ports.ids.digest(JSON.stringify([...mapOf(now)].toSorted())).slice(0, 16);
    const at = ports.clock.now();
    await ports.activity.record([
      configurationFact(firstChanges(changes), { id: `${revision}.${print}`, at, subscriptionId }),
    ]);
    // Where another process was quicker, the next look compares with what that one has told.
    return ports.settings.put({ revision, settings: now }, last?.etag);
  }

  return async () => {
    if (!isDone) {
      isDone = (await guarded(ports.log, "telling changed settings", tell)) ?? false;
    }
  };
}

const mapOf = (settings: ToldSettings = {}): ReadonlyMap<string, string> =>
  new Map(Object.entries(settings));
