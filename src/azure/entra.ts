import {
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from "jose";
import { z } from "zod";
import { isArmAudience } from "../caller/arm-audience.ts";
import type { Caller } from "../caller/caller.ts";
import { readableName } from "../caller/readable-name.ts";
import type { Clock, TokenVerifier } from "../ports.ts";
import { type Outcome, ok, refused } from "../reasons.ts";
import { createSigningKeys, type FetchKeys } from "./signing-keys.ts";

export interface TokenOptions {
  /** `https://login.microsoftonline.com`: issuer of version 2 tokens, and home of the keys of both versions. */
  readonly authority: string;
  /** `https://sts.windows.net`: issuer of version 1 tokens. */
  readonly stsAuthority: string;
  /** Callers of other tenants are refused. */
  readonly tenantIds: readonly string[];
  /** Our own client id or App ID URI. */
  readonly audiences: readonly string[];
  readonly clock: Clock;
  /** @default the platform's */
  readonly fetch?: FetchKeys | undefined;
}

const longestToken = 16 * 1_024;
const toleranceSeconds = 300;

/**
 * Verifies access tokens of Entra ID: signature by one of the tenant's keys (RS256 only), issuer, tenant, audience, time.
 * Refusals never repeat any of the token. Throws when the keys cannot be fetched: then nobody can tell.
 */
export function createTokenVerifier(options: TokenOptions): TokenVerifier {
  if (options.audiences.length === 0 || options.audiences.some(isArmAudience)) {
    throw new Error("The audiences have to be this service's own, not Azure Resource Manager's.");
  }
  const tenants = createTenants(options);
  return {
    async verify(authorization) {
      const token = bearerToken(authorization);
      if (token.outcome === "refused") {
        return token;
      }
      const claimed = claimedTenant(token.value, tenants);
      if (claimed.outcome === "refused") {
        return claimed;
      }
      return await verifyFor(claimed.value, token.value, options);
    },
  };
}

/** An allowed tenant: its keys and the issuer of either version of its tokens. */
interface Tenant {
  readonly keys: JWTVerifyGetKey;
  readonly issuers: { readonly "1.0": string; readonly "2.0": string };
}

interface Claimed {
  readonly tenant: Tenant;
  readonly tenantId: string;
  readonly version: "1.0" | "2.0";
}

function createTenants(options: TokenOptions): ReadonlyMap<string, Tenant> {
  const authority = options.authority.replace(/\/+$/, "");
  const stsAuthority = options.stsAuthority.replace(/\/+$/, "");
  return new Map(
    options.tenantIds.map((id) => {
      const tenantId = z.guid().parse(id).toLowerCase();
      const keys = createSigningKeys(
        `${authority}/${tenantId}/discovery/v2.0/keys`,
        options.clock,
        options.fetch ?? fetch,
      );
      const issuers = {
        "1.0": `${stsAuthority}/${tenantId}/`,
        "2.0": `${authority}/${tenantId}/v2.0`,
      };
      return [tenantId, { keys, issuers }];
    }),
  );
}

function bearerToken(authorization: string | undefined): Outcome<string> {
  const text = authorization ?? "";
  if (text.length > longestToken) {
    return refuse(`The authorization header is longer than ${longestToken} characters.`);
  }
  const [, token] = /^Bearer +([\w.~+/=-]+) *$/i.exec(text) ?? [];
  return token === undefined
    ? refuse(
        "An 'Authorization: Bearer' header is needed, with an access token of Entra ID for this service: of the scope api://…/.default, with its own client id.",
      )
    : ok(token);
}

const claimedHeader = z.object({ alg: z.literal("RS256"), kid: z.string().min(1).max(256) });
const claimedBody = z.object({ tid: z.guid(), ver: z.enum(["1.0", "2.0"]) });

/**
 * Chooses the tenant whose keys and issuer the token has to match.
 * NB. What is read here is only claimed: nothing of it is used but this choice among what we allow.
 */
function claimedTenant(token: string, tenants: ReadonlyMap<string, Tenant>): Outcome<Claimed> {
  const header = claimedHeader.safeParse(attempt(() => decodeProtectedHeader(token)));
  const body = claimedBody.safeParse(attempt(() => decodeJwt(token)));
  if (!header.success) {
    return refuse("The token is not a JSON web token signed with RS256 by a named key.");
  }
  if (!body.success) {
    return refuse("The token lacks the claims 'tid' and 'ver' of an Entra ID access token.");
  }
  const tenantId = body.data.tid.toLowerCase();
  const tenant = tenants.get(tenantId);
  return tenant === undefined
    ? refuse("The token is from a tenant that this service does not accept.")
    : ok({ tenant, tenantId, version: body.data.ver });
}

function attempt<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}

async function verifyFor(
  { tenant, tenantId, version }: Claimed,
  token: string,
  options: TokenOptions,
): Promise<Outcome<Caller>> {
  try {
    const { payload } = await jwtVerify(token, tenant.keys, {
      algorithms: ["RS256"],
      issuer: tenant.issuers[version],
      audience: [...options.audiences],
      clockTolerance: toleranceSeconds,
      currentDate: options.clock.now(),
      requiredClaims: ["exp", "nbf", "tid", "oid"],
    });
    return callerFrom(payload, tenantId);
  } catch (error) {
    const message = refusalOf(error, token, options.audiences);
    if (message === undefined) {
      throw error;
    }
    return refuse(message);
  }
}

/** What is wrong with the token, or nothing when the fault lies in fetching the keys. */
function refusalOf(
  error: unknown,
  token: string,
  audiences: readonly string[],
): string | undefined {
  if (error instanceof errors.JWTExpired) {
    return "The token has expired. Get a new one.";
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return error.claim === "aud" ? audienceRefusal(token, audiences) : claimRefusal(error);
  }
  const aboutTheToken = [
    errors.JWTInvalid,
    errors.JWSInvalid,
    errors.JWSSignatureVerificationFailed,
    errors.JWKSNoMatchingKey,
    errors.JWKSMultipleMatchingKeys,
    errors.JOSEAlgNotAllowed,
    errors.JOSENotSupported,
  ];
  return aboutTheToken.some((kind) => error instanceof kind)
    ? "The token is malformed, or not signed by a key of its tenant."
    : undefined;
}

function claimRefusal(error: errors.JWTClaimValidationFailed): string {
  switch (error.claim) {
    case "iss":
      return "The token's issuer is not the one of its tenant and version.";
    case "nbf":
      return "The token is not valid yet.";
    default:
      return `The token's claim '${error.claim}' is missing or has a wrong value.`;
  }
}

/** Clients of Azure ask for Resource Manager's audience unless told otherwise: the most frequent mistake gets its own hint. */
function audienceRefusal(token: string, audiences: readonly string[]): string {
  const given = [decodeJwt(token).aud ?? []].flat();
  const wanted = audiences.map((audience) => `'${audience}'`).join(" or ");
  return given.some(isArmAudience)
    ? `The token is meant for Azure Resource Manager. Ask for one whose audience is ${wanted}.`
    : `The token is meant for another service: its audience has to be ${wanted}.`;
}

const claims = z.object({
  tid: z.guid(),
  oid: z.guid(),
  idtyp: z.string().optional().catch(undefined),
  scp: z.string().optional().catch(undefined),
  roles: z.array(z.string()).optional().catch(undefined),
  azp: z.string().optional().catch(undefined),
  appid: z.string().optional().catch(undefined),
  upn: z.string().optional().catch(undefined),
  preferred_username: z.string().optional().catch(undefined),
  unique_name: z.string().optional().catch(undefined),
});

/** NB. Only `tid` and `oid` say who it is. The name can be changed by its bearer and is for people to read. */
function callerFrom(payload: JWTPayload, tenantId: string): Outcome<Caller> {
  const parsed = claims.safeParse(payload);
  if (!parsed.success || parsed.data.tid.toLowerCase() !== tenantId) {
    return refuse("The token's claims 'tid' and 'oid' have to be ids of a tenant and an object.");
  }
  const kind = kindOf(parsed.data);
  if (kind === undefined) {
    return refuse(
      "The token is no access token: it has neither a scope ('scp') nor application roles ('roles') of an application ('azp' or 'appid').",
    );
  }
  const { oid, upn, preferred_username, unique_name, azp, appid } = parsed.data;
  const objectId = oid.toLowerCase();
  const names = [upn, preferred_username, unique_name].map(readableName);
  const name = names.find((each) => each !== "") ?? objectId;
  // `azp` is of version 2, `appid` of version 1 (Microsoft Learn, "Access token claims reference").
  const application = z
    .guid()
    .safeParse(azp ?? appid)
    .data?.toLowerCase();
  return ok({ tenantId, objectId, name, kind, ...(application && { application }) });
}

/**
 * NB. A person's ID token is meant for our client id too and may carry `roles`. What it lacks, and every access token has, is
 * the application it was given to: `azp` in version 2, `appid` in version 1.
 */
function kindOf(token: z.infer<typeof claims>): Caller["kind"] | undefined {
  const isApplication = token.idtyp?.toLowerCase() === "app";
  if (!isApplication && (token.scp ?? "").trim() !== "") {
    return "user";
  }
  const isAccessToken = [token.azp, token.appid].some((id) => (id ?? "") !== "");
  return isAccessToken && (isApplication || (token.roles ?? []).length > 0)
    ? "application"
    : undefined;
}

function refuse(message: string): Outcome<never> {
  return refused({ code: "AuthenticationFailed", message });
}
