import { fileURLToPath } from "node:url";
import type { AccessToken } from "@azure/core-auth";
import { type Cloud, startCloud } from "../../local/cloud/cloud.ts";
import type { Behaviour, Estate, Timing } from "../../local/cloud/estate.ts";
import { loadEstate } from "../../local/cloud/load-estate.ts";
import type { ArmOptions } from "../../src/azure/arm-http.ts";
import { getJson } from "./https-json.ts";
import { createTestCa } from "./test-ca.ts";

export interface TestCloud extends Cloud {
  readonly estate: Estate;
  readonly ca: string;
  /** How the service's own identity reaches it. */
  readonly armOptions: ArmOptions;
  /** How it reaches Microsoft Graph there. */
  readonly graphOptions: ArmOptions;
  /** An access token of a sample person; `query` as the cloud's `/local/tokens/{person}` takes it. */
  personToken(person: string, query?: Record<string, string>): Promise<string>;
}

const sample = fileURLToPath(new URL("../../local/cloud/estates/sample.json", import.meta.url));

/** The pretend cloud in this process and in a hurry, with the sample estate or what is made of it. */
export async function startTestCloud(
  options: {
    readonly timing?: Partial<Timing>;
    readonly behaviour?: Partial<Behaviour>;
    readonly estateFrom?: (sample: Estate) => Estate;
  } = {},
): Promise<TestCloud> {
  const [loaded, tls] = await Promise.all([loadEstate(sample), createTestCa()]);
  const estate = options.estateFrom?.(loaded) ?? loaded;
  const cloud = await startCloud({
    estate,
    port: 0,
    tls,
    timing: { nsgWriteMs: 30, firewallUpdateMs: 60, ...options.timing },
    behaviour: options.behaviour ?? {},
    identityHeader: "secret",
  });
  const { ca } = tls;

  /** As App Service hands out tokens of a managed identity. */
  async function getToken(scope: string | string[]): Promise<AccessToken> {
    const resource = encodeURIComponent(String(scope).replace(/\/\.default$/, ""));
    const url = `${cloud.url}/local/msi/token?api-version=2019-08-01&resource=${resource}`;
    const answer = (await getJson(url, { ca, headers: { "x-identity-header": "secret" } })) as {
      access_token: string;
      expires_on: string;
    };
    return {
      token: answer.access_token,
      expiresOnTimestamp: Number(answer.expires_on) * 1_000,
    };
  }

  return {
    ...cloud,
    estate,
    ca,
    armOptions: {
      credential: { getToken },
      endpoint: cloud.url,
      scope: "https://management.azure.com/.default",
      tlsOptions: { ca },
    },
    graphOptions: {
      credential: { getToken },
      endpoint: `${cloud.url}/graph`,
      scope: "https://graph.microsoft.com/.default",
      tlsOptions: { ca },
    },
    async personToken(person, query = {}) {
      const url = `${cloud.url}/local/tokens/${person}?${new URLSearchParams(query)}`;
      return ((await getJson(url, { ca })) as { access_token: string }).access_token;
    },
  };
}
