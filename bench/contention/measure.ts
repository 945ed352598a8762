import { setTimeout as pauseFor } from "node:timers/promises";
import type { Estate } from "../../local/cloud/estate.ts";
import type { Endpoints } from "../../local/endpoints.ts";
import type { StartArguments } from "../../local/start/arguments.ts";
import { withSystem } from "../system.ts";
import { type Manner, prepareCommonWay } from "./common-way.ts";
import { type Circumstances, crowdEstate } from "./crowd.ts";
import { GateWatch } from "./gate-watch.ts";
import { prepareService } from "./service.ts";
import { forgetRequests, type Write, writesOfGroup } from "./writes.ts";

/** What one measurement found. All times are since everybody began at once. */
export interface Found {
  readonly requests: number;
  /** Sorted; as many as were seen open in time. */
  readonly openedAfterMs: readonly number[];
  /** How many requestors knew in the end that theirs was open. */
  readonly told: number;
  /** When everybody knew, or the limit was reached. */
  readonly endedAfterMs: number;
  /** Of the service only: when the last request had been accepted. */
  readonly lastAcceptedAfterMs?: number;
  /** Of the group, until the end. */
  readonly writes: readonly Write[];
}

/** A service that takes longer has failed. */
const serviceLimitMs = 120_000;

/** Through the service, the policy in place beforehand. */
export function measureService(
  sample: Estate,
  circumstances: Circumstances,
  history: StartArguments["history"],
): Promise<Found> {
  const { accesses } = circumstances;
  return withSystem({ estate: crowdEstate(sample, circumstances), history }, async (endpoints) => {
    const service = await prepareService(endpoints, accesses);
    let lastAcceptedAfterMs = Number.NaN;
    const found = await measure(endpoints, circumstances, serviceLimitMs, async (over, since) => {
      await service.ask();
      lastAcceptedAfterMs = since();
      return service.untilToldOpen(over);
    });
    return { ...found, lastAcceptedAfterMs };
  });
}

/** Everybody for themselves, with the Azure SDK, until the limit. */
export function measureCommonWay(
  sample: Estate,
  circumstances: Circumstances,
  manner: Manner,
  limitMs: number,
): Promise<Found> {
  const estate = crowdEstate(sample, circumstances);
  return withSystem({ estate, history: undefined }, async (endpoints) => {
    const openAll = await prepareCommonWay(endpoints, circumstances.accesses, manner);
    return measure(endpoints, circumstances, limitMs, openAll);
  });
}

/** Watches the group while everybody is at it; `act` answers how many came to know that they were done. */
async function measure(
  endpoints: Endpoints,
  { accesses }: Circumstances,
  limitMs: number,
  act: (over: AbortSignal, since: () => number) => Promise<number>,
): Promise<Found> {
  const watch = await GateWatch.on(endpoints, accesses);
  await forgetRequests(endpoints);
  const over = new AbortController();
  const startedAtDate = new Date();
  const startedAt = performance.now();
  const since = () => performance.now() - startedAt;

  pauseFor(limitMs, undefined, { signal: over.signal }).then(
    () => over.abort(),
    () => undefined,
  );
  const acted = act(over.signal, since)
    .then((told) => ({ told, endedAfterMs: since() }))
    .finally(() => over.abort());
  const [{ told, endedAfterMs }] = await Promise.all([acted, watch.untilAllOpen(since, limitMs)]);

  return {
    requests: accesses.length,
    openedAfterMs: [...watch.openedAfterMs.values()].toSorted((left, right) => left - right),
    told,
    endedAfterMs,
    writes: await writesOfGroup(endpoints, startedAtDate),
  };
}
