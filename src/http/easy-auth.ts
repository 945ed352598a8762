import type { HttpRequest } from "@azure/functions";
import { z } from "zod";
import type { Caller } from "../caller/caller.ts";
import { readableName } from "../caller/readable-name.ts";
import { type Outcome, ok, type Refusal, refused } from "../reasons.ts";

/** What the headers of EasyAuth have to agree with. */
export interface EasyAuth {
  /** Callers of other tenants are refused. */
  readonly tenantIds: readonly string[];
}

/** In characters; a person in 200 groups needs about 18,000. */
const longestPrincipal = 24_000;

const principalShape = z.object({
  auth_typ: z.literal("aad"),
  claims: z.array(z.object({ typ: z.string(), val: z.string() })).max(1_000),
});

type Claims = z.infer<typeof principalShape>["claims"];

/** Claim names, short as in a token or as the URIs that the platform maps them to (Microsoft Learn, "Work with user identities"). */
const claimNames = {
  objectId: ["oid", "http://schemas.microsoft.com/identity/claims/objectidentifier"],
  tenantId: ["tid", "http://schemas.microsoft.com/identity/claims/tenantid"],
  application: ["azp", "appid"],
  name: [
    "upn",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
    "preferred_username",
    "unique_name",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
  ],
} as const;

/**
 * Who is calling, as App Service Authentication ("EasyAuth") tells in headers after it signed a person in; nothing when it does not tell.
 * NB. The headers prove nothing by themselves: only while EasyAuth is on does the platform take those of outside callers away. Whoever
 * calls this has made sure of that.
 */
export function easyAuthCaller(
  { headers, method }: HttpRequest,
  { tenantIds }: EasyAuth,
): Outcome<Caller> | undefined {
  const principal = headers.get("x-ms-client-principal");
  if (principal === null) {
    return undefined;
  }
  const claims = readClaims(principal);
  if (headers.get("x-ms-client-principal-idp") !== "aad" || claims === undefined) {
    return refuse("The sign-in of App Service is not one of Entra ID, or cannot be read.");
  }
  const [objectId, tenantId] = [idOf(claims, "objectId"), idOf(claims, "tenantId")];
  if (objectId === undefined || tenantId === undefined) {
    return refuse("The sign-in of App Service lacks the ids of a person and a tenant.");
  }
  if (!tenantIds.some((allowed) => allowed.toLowerCase() === tenantId)) {
    return refuse("The sign-in is from a tenant that this service does not accept.");
  }
  const name = claimNames.name.map((typ) => readableName(valuesOf(claims, [typ])[0])).find(Boolean);
  const application = idOf(claims, "application");
  const caller: Caller = {
    tenantId,
    objectId,
    name: name ?? objectId,
    kind: "user",
    ...(application && { application }),
  };
  return crossSiteFault(headers, method) ?? ok(caller);
}

/** The ids of a tenant and a person that the headers tell, where they do; proven by nothing. */
export function claimedByEasyAuth(
  headers: HttpRequest["headers"],
): readonly [tenantId: string | undefined, objectId: string | undefined] {
  const claims = readClaims(headers.get("x-ms-client-principal") ?? "") ?? [];
  return [idOf(claims, "tenantId"), idOf(claims, "objectId")];
}

function readClaims(principal: string): Claims | undefined {
  if (principal.length > longestPrincipal || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(principal)) {
    return undefined;
  }
  try {
    const json: unknown = JSON.parse(Buffer.from(principal, "base64").toString("utf8"));
    return principalShape.safeParse(json).data?.claims;
  } catch {
    return undefined;
  }
}

/** A GUID that is told once, or several times alike. */
function idOf(claims: Claims, what: "objectId" | "tenantId" | "application"): string | undefined {
  const values = valuesOf(claims, claimNames[what]).map((value) => value.toLowerCase());
  const [id, ...others] = new Set(values);
  return others.length === 0 ? z.guid().safeParse(id).data : undefined;
}

function valuesOf(claims: Claims, types: readonly string[]): readonly string[] {
  return claims.filter(({ typ }) => types.includes(typ)).map(({ val }) => val);
}

/** A page can send these to another origin only when that origin's CORS settings let it. */
const preflightHeaders = ["x-ms-client-request-id", "x-requested-with"] as const;

/**
 * NB. A person's sign-in is a cookie, which the browser sends along whichever site makes it call us. So what changes something has to show that
 * our own page made the call: by the browser's word (`Sec-Fetch-Site`), or, from clients that do not give it, by a header for which a browser
 * asks first. A bearer token needs neither: no browser sends it by itself.
 */
function crossSiteFault(headers: HttpRequest["headers"], method: string): Refusal | undefined {
  const site = headers.get("sec-fetch-site");
  const isOurs =
    site === null ? preflightHeaders.some((name) => headers.has(name)) : site === "same-origin";
  return isOurs || method === "GET" || method === "HEAD"
    ? undefined
    : refused({
        code: "CrossSiteRequest",
        message:
          "The call is signed in by a cookie, and nothing shows that no other site made the browser send it. Send the header 'x-ms-client-request-id', or a bearer token.",
        target: "headers",
      });
}

function refuse(message: string): Refusal {
  return refused({ code: "AuthenticationFailed", message });
}
