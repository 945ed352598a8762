import { readFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import type { AccessToken, TokenCredential } from "@azure/core-auth";
import type { Endpoints } from "./endpoints.ts";

/** What a client of the running system needs: who speaks, and whom it trusts. */
export interface SignedIn {
  readonly credential: TokenCredential;
  /** For the SDK clients' `tlsOptions`. */
  readonly tlsOptions: { readonly ca: string };
}

/** Signs a person of the estate in for an audience; the answer renews its token by itself. */
export async function signIn(
  endpoints: Endpoints,
  person: string,
  audience: string,
): Promise<SignedIn> {
  const ca = await readFile(endpoints.caFile, "utf8");
  const path = `/local/tokens/${encodeURIComponent(person)}?audience=${encodeURIComponent(audience)}`;
  let token: AccessToken | undefined;
  const credential: TokenCredential = {
    async getToken() {
      if (token === undefined || token.expiresOnTimestamp < Date.now() + 60_000) {
        const answer = await getJson<{ access_token: string }>(`${endpoints.cloud}${path}`, { ca });
        token = { token: answer.access_token, expiresOnTimestamp: Date.now() + 600_000 };
      }
      return token;
    },
  };
  return { credential, tlsOptions: { ca } };
}

/** GETs JSON over HTTPS from a server that the local authority signed for. */
export async function getJson<T>(
  url: string,
  options: { readonly ca: string; readonly token?: string },
): Promise<T> {
  const { status, body } = await send("GET", url, options);
  if (status >= 400) {
    throw new Error(`GET ${url} was answered ${status}: ${body}`);
  }
  return JSON.parse(body) as T;
}

const agents = new Map<string, Agent>();

/** One HTTPS exchange, whatever its status. */
export function send(
  method: string,
  url: string,
  options: { readonly ca: string; readonly token?: string; readonly body?: string },
): Promise<{ readonly status: number; readonly body: string }> {
  const agent = agents.get(options.ca) ?? new Agent({ ca: options.ca, keepAlive: true });
  agents.set(options.ca, agent);
  const headers = {
    ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
    ...(options.body === undefined
      ? {}
      : { "content-type": "application/json", "content-length": Buffer.byteLength(options.body) }),
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
      );
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(options.body);
  });
}
