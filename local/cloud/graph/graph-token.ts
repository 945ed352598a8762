import { errors, jwtVerify } from "jose";
import type { SigningKey } from "../entra/signing-key.ts";
import { GRAPH_AUDIENCES, issuerOf } from "../entra/token.ts";
import type { Estate } from "../estate.ts";
import { CloudError, type Principal } from "../router.ts";

export type VerifyToken = (authorizationHeader: string | undefined) => Promise<Principal>;

/**
 * Microsoft Graph's check of a bearer token: one of the estate's own tenant, for Graph. `{cloud}/graph` is taken as an audience
 * too, which is what clients ask for that derive the scope from their endpoint. The words are those of public error reports.
 */
export function createGraphTokenCheck(
  estate: Estate,
  key: SigningKey,
  issuedFor: () => string,
  now: () => Date,
): VerifyToken {
  return async (authorizationHeader) => {
    const token = /^Bearer +(\S+)$/i.exec(authorizationHeader ?? "")?.[1];
    if (token === undefined) throw refusal("Access token is empty.");
    const origin = issuedFor();
    const { payload } = await jwtVerify(token, key.publicKey, {
      algorithms: ["RS256"],
      issuer: [issuerOf(origin, estate.tenantId, 1), issuerOf(origin, estate.tenantId, 2)],
      audience: [...GRAPH_AUDIENCES, `${origin}/graph`],
      requiredClaims: ["oid", "tid", "exp"],
      currentDate: now(),
    }).catch((problem: unknown) => {
      throw explain(problem);
    });
    const { oid, tid, scp, roles } = payload;
    const permissions = Array.isArray(roles) ? roles.map(String) : [];
    const isPerson = scp !== undefined;
    return {
      oid: String(oid),
      tid: String(tid),
      ...(isPerson ? {} : { roles: permissions }),
    };
  };
}

function explain(problem: unknown): CloudError {
  if (problem instanceof errors.JWTExpired) {
    return refusal("Lifetime validation failed, the token is expired.");
  }
  if (problem instanceof errors.JWTClaimValidationFailed && problem.claim === "aud") {
    return refusal("Access token validation failure. Invalid audience.");
  }
  return refusal("Access token validation failure.");
}

function refusal(message: string): CloudError {
  return new CloudError(401, "InvalidAuthenticationToken", message, [], {
    "WWW-Authenticate": `Bearer realm="", error="invalid_token", error_description="${message}"`,
  });
}
