import { createHash } from "node:crypto";
import { type JWTPayload, SignJWT } from "jose";
import type { Application, Estate, Person } from "../estate.ts";
import { sameText } from "../resources.ts";
import type { SigningKey } from "./signing-key.ts";

/** The Azure CLI's public client id: the application through which the people of an estate sign in. */
const AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
/** Microsoft Graph by its address and by its application id, which is the same in every tenant. */
export const GRAPH_AUDIENCES = [
  "https://graph.microsoft.com",
  "https://graph.microsoft.com/",
  "00000003-0000-0000-c000-000000000000",
];
const USUAL_LIFETIME_IN_SECONDS = 3600;

/** The least that reading accounts of people and applications and their groups takes (see graph/permissions.ts). */
const USUAL_GRAPH_PERMISSIONS = ["User.Read.All", "GroupMember.Read.All", "Application.Read.All"];

export type TokenVersion = 1 | 2;

export interface TokenOrder {
  readonly audience: string;
  readonly version: TokenVersion;
  readonly tenantId: string;
  /** Negative makes a token that has already expired. */
  readonly expiresInSeconds: number;
}

export interface Token {
  readonly accessToken: string;
  /** Seconds since 1970, as in the token's `exp`. */
  readonly expiresOn: number;
}

export interface TokenMaker {
  forPerson(person: Person, order: TokenOrder): Promise<Token>;
  forApplication(application: Application, order: TokenOrder): Promise<Token>;
  forService(order: TokenOrder): Promise<Token>;
}

/**
 * Version 2 ends in `v2.0`, version 1 in a slash. Entra ID signs version 1 tokens as `https://sts.windows.net/{tid}/`;
 * here one origin stands for both of its hosts.
 */
export function issuerOf(origin: string, tenantId: string, version: TokenVersion): string {
  return `${origin}/${tenantId}/${version === 2 ? "v2.0" : ""}`;
}

/** Our own application has asked for version 2 in its registration; ARM and everything else get version 1, as in Azure. */
export function usualVersion(estate: Estate, audience: string): TokenVersion {
  const { appIdUri, clientId } = estate.application;
  return sameText(audience, appIdUri) || sameText(audience, clientId) ? 2 : 1;
}

/** Microsoft Graph's audience, by its address or by its application id. */
function isGraph(audience: string): boolean {
  return GRAPH_AUDIENCES.some((each) => sameText(audience, each));
}

export function createTokenMaker(
  estate: Estate,
  key: SigningKey,
  issuedFor: () => string,
  now: () => Date,
): TokenMaker {
  async function sign(order: TokenOrder, claims: JWTPayload): Promise<Token> {
    const issuedAt = Math.floor(now().getTime() / 1000);
    const expiresOn = issuedAt + order.expiresInSeconds;
    // A token that is to be expired already was a good one in its time: issued before its end.
    const validFrom = Math.min(issuedAt, expiresOn - USUAL_LIFETIME_IN_SECONDS);
    const accessToken = await new SignJWT({
      aud: order.audience,
      iss: issuerOf(issuedFor(), order.tenantId, order.version),
      iat: validFrom,
      nbf: validFrom,
      exp: expiresOn,
      tid: order.tenantId,
      ver: `${order.version}.0`,
      ...claims,
    })
      .setProtectedHeader({ typ: "JWT", alg: "RS256", kid: key.kid })
      .sign(key.privateKey);
    return { accessToken, expiresOn };
  }

  return {
    forPerson: (person, order) => sign(order, personClaims(person, order)),
    forApplication: (application, order) => sign(order, applicationClaims(application, order)),
    forService: (order) => sign(order, serviceClaims(estate, order)),
  };
}

function personClaims(person: Person, { audience, version }: TokenOrder): JWTPayload {
  const common = {
    oid: person.objectId,
    sub: pairwiseSubject(person.objectId, audience),
    name: person.displayName,
    scp: "user_impersonation",
  };
  if (version === 2) {
    return { ...common, azp: AZURE_CLI, azpacr: "0", preferred_username: person.userPrincipalName };
  }
  const { userPrincipalName: upn } = person;
  return { ...common, appid: AZURE_CLI, appidacr: "0", upn, unique_name: upn };
}

/** The token of the service's managed identity; for Microsoft Graph it lists the permissions an administrator granted. */
function serviceClaims({ serviceIdentity }: Estate, order: TokenOrder): JWTPayload {
  const { principalId, clientId, graphPermissions } = serviceIdentity;
  const identity = { objectId: principalId, clientId };
  if (!isGraph(order.audience)) return applicationClaims(identity, order);
  const roles = graphPermissions ?? USUAL_GRAPH_PERMISSIONS;
  return applicationClaims(roles.length === 0 ? identity : { ...identity, roles }, order);
}

/** An application speaks for itself: no `scp`, no name, and `sub` is the object id. It has shown a certificate or is managed. */
function applicationClaims(
  { objectId, clientId, roles }: Pick<Application, "objectId" | "clientId" | "roles">,
  { version }: TokenOrder,
): JWTPayload {
  const client =
    version === 2 ? { azp: clientId, azpacr: "2" } : { appid: clientId, appidacr: "2" };
  const granted = roles === undefined ? {} : { roles: [...roles] };
  return { ...client, ...granted, oid: objectId, sub: objectId, idtyp: "app" };
}

/** `sub` differs per application in Entra ID, so nobody can take it for the object id. */
function pairwiseSubject(objectId: string, audience: string): string {
  return createHash("sha256").update(`${objectId} ${audience}`).digest("base64url");
}
