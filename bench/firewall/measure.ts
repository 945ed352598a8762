import type { Estate } from "../../local/cloud/estate.ts";
import type { Endpoints } from "../../local/endpoints.ts";
import { withSystem } from "../system.ts";
import { type Asked, askedSince, forgetRequests } from "./cloud-log.ts";
import { Doors } from "./doors.ts";
import { type Circumstances, firewallEstate } from "./estate.ts";
import { processorSeconds } from "./processor-time.ts";
import { prepareService, type Service, type Told } from "./service.ts";

/** What one phase cost. */
export interface Cost extends Asked {
  /** Processor time of the app's host, in seconds; unknown but on Linux. */
  readonly hostSeconds: number | undefined;
  readonly tookMs: number;
}

/** Times in milliseconds since everybody began to ask. */
export interface ServiceFound {
  readonly requests: number;
  /** When the last request had been accepted. */
  readonly acceptedAfterMs: number;
  /** When the firewall let each through, sorted. */
  readonly openedAfterMs: readonly number[];
  /** When each was told as open, sorted. */
  readonly toldAfterMs: readonly number[];
  /** How many really got through at once when they were told so. */
  readonly connected: number;
  readonly opening: Cost;
  /** The end that everybody asked for. */
  readonly endsAfterMs: number;
  /** When the firewall let each through no longer, sorted; missing for those it did not shut. */
  readonly shutAfterMs: readonly number[];
  /** How many really got through at the end. */
  readonly connectedAtEnd: number;
  /** When the last was told as closed. */
  readonly toldShutAfterMs: number;
  readonly closing: Cost;
}

/** The windows last so many update times, and this on top: two to open them, and none so short that it goes along with another update. */
const lasts = { updates: 5, andMs: 20_000 } as const;
/** So many update times after everybody has asked, or after the end, it has failed. */
const failedAfterUpdates = 5;

/** Through the service, with the policy in place and the update time measured beforehand. */
export function measureService(
  sample: Estate,
  circumstances: Circumstances,
): Promise<ServiceFound> {
  const estate = firewallEstate(sample, circumstances);
  return withSystem({ estate, history: "tables" }, async (endpoints) => {
    const service = await prepareService(endpoints, circumstances.accesses);
    const startedAt = new Date();
    const started = performance.now();
    const since = () => performance.now() - started;
    const doors = await Doors.on(endpoints, since);
    const over = new AbortController();
    const watching = doors.watch(over.signal);
    const phase = new Phase(endpoints, circumstances, startedAt, since);
    try {
      const endsAfterMs = lasts.updates * circumstances.updateMs + lasts.andMs;
      const opened = await open(service, doors, circumstances, phase, endsAfterMs);
      const closed = await close(service, doors, circumstances, phase, endsAfterMs);
      const seen = [...doors.seen.values()];
      return {
        requests: circumstances.accesses.length,
        ...opened,
        ...closed,
        endsAfterMs,
        openedAfterMs: sorted(seen.map((door) => door.openedAfterMs)),
        shutAfterMs: sorted(seen.flatMap((door) => door.shutAfterMs ?? [])),
      };
    } finally {
      over.abort();
      await watching;
    }
  });
}

type Opened = Pick<ServiceFound, "acceptedAfterMs" | "toldAfterMs" | "connected" | "opening">;

async function open(
  service: Service,
  doors: Doors,
  { accesses, updateMs }: Circumstances,
  phase: Phase,
  endsAfterMs: number,
): Promise<Opened> {
  await phase.begin();
  await service.ask(new Date(phase.startedAt.getTime() + endsAfterMs));
  const acceptedAfterMs = phase.since();
  const toldAfterMs = new Map<string, number>();
  const connecting: Promise<number>[] = [];
  await service.follow(
    (all) => {
      const afterMs = phase.since();
      failOn(all, "failed");
      const told = all.filter(({ state, vmName }) => state === "open" && !toldAfterMs.has(vmName));
      for (const { vmName } of told) {
        toldAfterMs.set(vmName, afterMs);
      }
      // Without a port that was told nobody knows where to connect.
      const known = told.filter(({ mappedPort }) => mappedPort !== undefined);
      if (known.length > 0) {
        connecting.push(doors.reached(known));
      }
      return (
        toldAfterMs.size === accesses.length ||
        afterMs > acceptedAfterMs + failedAfterUpdates * updateMs
      );
    },
    () => doors.seen.size > 0,
  );
  const connected = (await Promise.all(connecting)).reduce((sum, count) => sum + count, 0);
  return {
    acceptedAfterMs,
    toldAfterMs: sorted([...toldAfterMs.values()]),
    connected,
    opening: await phase.end(),
  };
}

type Closed = Pick<ServiceFound, "connectedAtEnd" | "toldShutAfterMs" | "closing">;

async function close(
  service: Service,
  doors: Doors,
  { accesses, updateMs }: Circumstances,
  phase: Phase,
  endsAfterMs: number,
): Promise<Closed> {
  await phase.begin();
  const atEnd = phase.until(endsAfterMs).then(() => doors.reached(accesses));
  let toldShutAfterMs = Number.NaN;
  await service.follow(
    (all) => {
      const afterMs = phase.since();
      const isOver = all.every(({ state }) => state === "closed");
      toldShutAfterMs = isOver ? afterMs : Number.NaN;
      return isOver || afterMs > endsAfterMs + failedAfterUpdates * updateMs;
    },
    () => phase.since() > endsAfterMs - 2_000,
  );
  return { connectedAtEnd: await atEnd, toldShutAfterMs, closing: await phase.end() };
}

function failOn(all: readonly Told[], state: string): void {
  const failed = all.find((told) => told.state === state);
  if (failed !== undefined) {
    throw new Error(`A port did not open: ${JSON.stringify(failed)}`);
  }
}

/** One phase after the other, and what each cost. */
class Phase {
  readonly startedAt: Date;
  readonly since: () => number;
  readonly #endpoints: Endpoints;
  readonly #circumstances: Circumstances;
  #beganAfterMs = 0;
  #hostSeconds: number | undefined;

  constructor(
    endpoints: Endpoints,
    circumstances: Circumstances,
    startedAt: Date,
    since: () => number,
  ) {
    this.#endpoints = endpoints;
    this.#circumstances = circumstances;
    this.startedAt = startedAt;
    this.since = since;
  }

  async begin(): Promise<void> {
    await forgetRequests(this.#endpoints);
    this.#hostSeconds = await processorSeconds(this.#endpoints.pids["host"]);
    this.#beganAfterMs = this.since();
  }

  until(afterMs: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, Math.max(afterMs - this.since(), 0)));
  }

  async end(): Promise<Cost> {
    const tookMs = this.since() - this.#beganAfterMs;
    const before = this.#hostSeconds;
    const now = await processorSeconds(this.#endpoints.pids["host"]);
    const hostSeconds = before === undefined || now === undefined ? undefined : now - before;
    const asked = await askedSince(this.#endpoints, this.#circumstances.kind, this.startedAt);
    return { ...asked, hostSeconds, tookMs };
  }
}

function sorted(values: readonly number[]): readonly number[] {
  return values.toSorted((left, right) => left - right);
}
