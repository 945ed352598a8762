import { anchorDaily, copyAnchors } from "./anchor-activity.ts";
import { dropOldMonths, finishDrops, type RetainPorts } from "./retain-activity.ts";
import { guarded } from "./serial.ts";

export interface KeepPorts extends RetainPorts {
  /** Days that activity is kept; for ever where it is absent. */
  readonly retentionDays?: number | undefined;
}

/**
 * What is done for the activity once a day: an anchor, in the table and in the container, and the end of what is older than is
 * kept. Called more often, it does what is left of it. A fault of one task does not keep the others.
 */
export async function keepActivity(ports: KeepPorts): Promise<void> {
  const { log, retentionDays } = ports;
  await guarded(log, "finishing the drop of a month of activity", () => finishDrops(ports));
  const before = await guarded(log, "reading the last anchor", () => ports.anchors.newest());
  const isNew = await guarded(log, "anchoring the activity", () => anchorDaily(ports));
  await guarded(log, "copying anchors to the container", () => copyAnchors(ports));
  // With a new anchor only: that is once a day.
  if (isNew === true && retentionDays !== undefined && before !== undefined) {
    await guarded(log, "dropping old activity", () =>
      dropOldMonths(ports, retentionDays, new Date(before.at)),
    );
  }
}
