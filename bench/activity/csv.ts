import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { createGunzip } from "node:zlib";
import type { Estate } from "../../local/cloud/estate.ts";
import { getJson } from "../../local/sign-in.ts";
import { type BenchCloud, withCloud } from "../sweep/cloud.ts";
import type { AuditedEstate } from "./estate.ts";
import { factsOf } from "./history.ts";
import { type RunningHost, withHost } from "./host.ts";
import type { Loaded } from "./load.ts";
import { type Growth, growthDuring } from "./memory.ts";

/** A reader of the whole subscription, by the sample estate. */
const reader = "rita";

/** Facts of a subscription from one moment on. */
export interface Stretch {
  readonly subscriptionId: string;
  readonly from: Date;
  readonly to: Date;
  readonly facts: number;
}

export interface CsvFound {
  readonly stretch: Stretch;
  readonly rows: number;
  /** As it was sent, compressed. */
  readonly bytes: number;
  readonly plainBytes: number;
  readonly tookMs: number;
  readonly memory: Growth | undefined;
}

/** The newest facts of the first subscription, so many or as many as there are. */
export function newestOf(
  estate: AuditedEstate,
  { months }: Loaded,
  seed: number,
  wanted: number,
): Stretch {
  const subscriptionId = estate.vms[0]?.subscriptionId ?? "";
  let [facts, from, to]: [number, string, Date] = [0, "", new Date(0)];
  for (const month of months.toReversed()) {
    to = to > month.to ? to : month.to;
    const times = factsOf(estate, month, seed)
      .filter((fact) => fact.subscriptionId === subscriptionId)
      .map(({ at }) => at);
    const oldest = times.at(-(wanted - facts)) ?? times[0];
    if (oldest !== undefined) {
      from = oldest;
      facts += times.filter((at) => at >= oldest).length;
    }
    if (facts >= wanted) {
      break;
    }
  }
  return { subscriptionId, from: new Date(from), to, facts };
}

/** The stretch as a CSV file, from the real host. */
export function downloadCsv(
  estate: Estate,
  { audit }: Loaded,
  stretch: Stretch,
): Promise<CsvFound> {
  return withCloud(estate, (cloud) =>
    withHost({ ...audit, estate, cloud }, async (host) => {
      const token = await tokenOf(cloud);
      // A day first, so that what is loaded once is not counted as growth.
      const day = { ...stretch, from: new Date(stretch.to.getTime() - 86_400_000 * 3) };
      for (let warmUp = 0; warmUp < 3; warmUp += 1) {
        await download(cloud, host, token, day);
      }
      const { result, growth } = await growthDuring(host.pid, () =>
        download(cloud, host, token, stretch),
      );
      return { ...result, stretch, memory: growth };
    }),
  );
}

async function tokenOf({ url, ca }: BenchCloud): Promise<string> {
  const address = `${url}/local/tokens/${reader}`;
  return (await getJson<{ readonly access_token: string }>(address, { ca })).access_token;
}

async function download(
  { ca }: BenchCloud,
  { url }: RunningHost,
  token: string,
  { subscriptionId, from, to }: Stretch,
): Promise<Pick<CsvFound, "rows" | "bytes" | "plainBytes" | "tookMs">> {
  const query = new URLSearchParams({
    subscriptionId,
    from: from.toISOString(),
    to: to.toISOString(),
  });
  const startedAt = performance.now();
  const sent = request(`${url}/api/activity?${query}`, {
    ca,
    headers: {
      authorization: `Bearer ${token}`,
      accept: "text/csv",
      "accept-encoding": "gzip",
    },
  });
  sent.end();
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  const isPacked = answer.headers["content-encoding"] === "gzip";
  let bytes = 0;
  answer.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  const plain = isPacked ? answer.pipe(createGunzip()) : answer;
  const lines = new LineCounter();
  for await (const chunk of plain) {
    lines.read(chunk as Buffer);
  }
  if (answer.statusCode !== 200) {
    throw new Error(`The download was answered ${answer.statusCode}: ${lines.beginning}`);
  }
  const tookMs = performance.now() - startedAt;
  // The first line names the columns.
  return { rows: lines.count - 1, bytes, plainBytes: lines.bytes, tookMs };
}

/** Lines of a CSV file, where a text in quotes may go over several. */
class LineCounter {
  count = 0;
  bytes = 0;
  beginning = "";
  #isQuoted = false;

  read(chunk: Buffer): void {
    if (this.bytes === 0) {
      this.beginning = chunk.toString("utf8").slice(0, 500);
    }
    this.bytes += chunk.length;
    for (const byte of chunk) {
      if (byte === 0x22) {
        this.#isQuoted = !this.#isQuoted;
      } else if (byte === 0x0a && !this.#isQuoted) {
        this.count += 1;
      }
    }
  }
}
