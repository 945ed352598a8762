import { createEntra, type Entra } from "../../../../local/cloud/entra/entra.ts";
import { createMatcher } from "../../../../local/cloud/matching.ts";
import { SMALL_ESTATE } from "./estate.ts";

export const ORIGIN = "https://localhost:7073";
export const NOW = new Date("2026-03-01T12:00:00Z");
export const OTHER_TENANT = "99999999-9999-4999-8999-999999999999";
export const ARM = "https://management.azure.com";

/** An Entra ID of the small estate, or another one, with both secrets set; its key lives in `keyFile`, its clock stands at `now`. */
export function createTestEntra(keyFile: string, now = NOW, estate = SMALL_ESTATE): Promise<Entra> {
  return createEntra({
    estate,
    issuedFor: () => ORIGIN,
    now: () => now,
    keyFile,
    identityHeader: "header secret",
    clientSecret: "client secret",
  });
}

interface Request {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** Asks `path?query` without a network in between. */
export async function ask(
  { routes }: Entra,
  target: string,
  { method = "GET", headers = {}, body = "" }: Request = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const [path = "", search = ""] = target.split("?", 2);
  const match = createMatcher(routes).match(method, path);
  if (match === undefined) throw new Error(`no route for ${path}`);
  const query = new URLSearchParams(search);
  const request = { method, origin: ORIGIN, path, query, headers, body: Buffer.from(body) };
  const answer = await match.route.handle(request, match.parameters);
  return { status: answer.status, body: answer.body as Record<string, unknown> };
}

export async function tokenOf(
  entra: Entra,
  person: string,
  query: Record<string, string> = {},
): Promise<string> {
  const { body } = await ask(entra, `/local/tokens/${person}?${new URLSearchParams(query)}`);
  return String(body["access_token"]);
}
