import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ComputeManagementClient } from "@azure/arm-compute";
import { NetworkManagementClient } from "@azure/arm-network";
import type { TokenCredential } from "@azure/core-auth";
import { type Cloud, type CloudOptions, startCloud } from "../../../../local/cloud/cloud.ts";
import type { Estate } from "../../../../local/cloud/estate.ts";
import { loadEstate } from "../../../../local/cloud/load-estate.ts";
import { createLocalCa, type LocalCa } from "../../../../local/tls.ts";

const samplePath = join(import.meta.dirname, "../../../../local/cloud/estates/sample.json");

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: what a raw request is answered is exactly what a test looks into
  readonly body: any;
}

/** A certificate, the sample estate and any number of clouds on free ports, all put away by `dispose`. */
export interface Laboratory {
  readonly dir: string;
  readonly estate: Estate;
  readonly ca: LocalCa;
  start(options?: Partial<CloudOptions>): Promise<Cloud>;
  network(cloud: { readonly url: string }): NetworkManagementClient;
  compute(cloud: { readonly url: string }): ComputeManagementClient;
  /** One request with olivia's token for ARM or, if the path leads there, for Graph; or with none. */
  send(cloud: { readonly url: string }, method: string, path: string, more?: More): Promise<Answer>;
  dispose(): Promise<void>;
}

interface More {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly anonymous?: boolean;
}

/** The SDK polls this often; it counts only because the cloud sends no Retry-After. */
export const fastPolls = { updateIntervalInMs: 10 };

export const apiVersion = "api-version=2026-01-01";

export async function openLaboratory(): Promise<Laboratory> {
  const dir = await mkdtemp(join(tmpdir(), "cloud-test-"));
  const ca = await createLocalCa(dir);
  const estate = await loadEstate(samplePath);
  const clouds: Cloud[] = [];
  const tlsOptions = { ca: ca.ca };

  const credential = (cloud: { readonly url: string }): TokenCredential => ({
    getToken: async () => ({
      token: await tokenOf(cloud.url),
      expiresOnTimestamp: Date.now() + 3_600_000,
    }),
  });

  async function tokenOf(url: string, audience = "https://management.azure.com/") {
    const path = `/local/tokens/olivia?audience=${audience}`;
    const { body } = await exchange(new URL(path, url), "GET", ca.ca, {});
    return String(body.access_token);
  }

  return {
    dir,
    estate,
    ca,
    async start(options = {}) {
      const timing = { nsgWriteMs: 20, firewallUpdateMs: 40 };
      const cloud = await startCloud({ estate, port: 0, tls: ca, timing, ...options });
      clouds.push(cloud);
      return cloud;
    },
    network: (cloud) =>
      new NetworkManagementClient(credential(cloud), estate.subscriptionId, {
        endpoint: cloud.url,
        tlsOptions,
      }),
    compute: (cloud) =>
      new ComputeManagementClient(credential(cloud), estate.subscriptionId, {
        endpoint: cloud.url,
        tlsOptions,
      }),
    async send(cloud, method, path, more = {}) {
      const authorization = more.anonymous
        ? {}
        : { authorization: `Bearer ${await tokenOf(cloud.url, audienceOf(path))}` };
      const headers = { ...authorization, ...more.headers };
      // Concatenated, not resolved: URL would tidy up what is being tested.
      return await exchange(`${cloud.url}${path}`, method, ca.ca, headers, more.body);
    },
    async dispose() {
      await Promise.all(clouds.map((cloud) => cloud.stop()));
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function audienceOf(path: string): string {
  return path.startsWith("/graph/")
    ? "https://graph.microsoft.com"
    : "https://management.azure.com/";
}

function exchange(
  url: URL | string,
  method: string,
  ca: string,
  headers: Readonly<Record<string, string>>,
  body?: unknown,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const request = httpsRequest(url, { method, ca, headers, agent: false }, (response) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => {
      text += chunk;
    });
    response.on("end", () =>
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: text === "" ? undefined : JSON.parse(text),
      }),
    );
  });
  request.on("error", reject);
  request.end(body === undefined || typeof body === "string" ? body : JSON.stringify(body));
  return promise;
}
