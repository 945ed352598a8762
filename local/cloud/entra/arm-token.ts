import { errors, type JWTPayload, jwtVerify } from "jose";
import type { Estate } from "../estate.ts";
import { CloudError } from "../router.ts";
import type { SigningKey } from "./signing-key.ts";
import { issuerOf } from "./token.ts";

/** The audiences ARM takes, in the words of its own refusal (JetBrains/azure-tools-for-intellij#16). */
const ARM_AUDIENCES = [
  "https://management.core.windows.net/",
  "https://management.core.windows.net",
  "https://management.azure.com/",
  "https://management.azure.com",
];

export type VerifyArmToken = (
  authorizationHeader: string | undefined,
) => Promise<{ oid: string; tid: string }>;

/**
 * ARM's check of a bearer token. Besides ARM's own audiences it takes the cloud's origin, which stands for ARM here and is
 * what clients ask for that derive the scope from their endpoint.
 */
export function createArmTokenCheck(
  estate: Estate,
  key: SigningKey,
  issuedFor: () => string,
  now: () => Date,
): VerifyArmToken {
  // NB. The challenge repeats nothing of the token: a header is no place for text that a caller chose.
  const refusal = (code: string, message: string): CloudError =>
    new CloudError(401, code, message, [], {
      "WWW-Authenticate": `Bearer authorization_uri="${issuedFor()}/${estate.tenantId}", error="invalid_token", error_description="${code}"`,
    });

  function explain(problem: unknown): CloudError {
    if (problem instanceof errors.JWTExpired) {
      const expiry = new Date(Number(problem.payload.exp) * 1000).toUTCString();
      return refusal(
        "ExpiredAuthenticationToken",
        `The access token expiry UTC time '${expiry}' is earlier than current UTC time '${now().toUTCString()}'.`,
      );
    }
    if (problem instanceof errors.JWTClaimValidationFailed) return explainClaim(problem);
    return refusal("InvalidAuthenticationToken", "The access token is invalid.");
  }

  function explainClaim({ claim, payload }: errors.JWTClaimValidationFailed): CloudError {
    if (claim === "iss" && payload.iss !== undefined) {
      return refusal(
        "InvalidAuthenticationTokenTenant",
        `The access token is from the wrong issuer '${payload.iss}'. It must match the tenant '${issuerOf(issuedFor(), estate.tenantId, 1)}' associated with this subscription. Please use the authority (URL) '${issuedFor()}/${estate.tenantId}' to get the token.`,
      );
    }
    if (claim === "aud" && payload.aud !== undefined) {
      const allowed = ARM_AUDIENCES.map((audience) => `'${audience}'`).join(",");
      return refusal(
        "InvalidAuthenticationTokenAudience",
        `The access token has been obtained for wrong audience or resource '${String(payload.aud)}'. It should exactly match with one of the allowed audiences ${allowed}.`,
      );
    }
    return refusal("InvalidAuthenticationToken", "The access token is invalid.");
  }

  return async (authorizationHeader) => {
    const token = /^Bearer +(\S+)$/i.exec(authorizationHeader ?? "")?.[1];
    if (token === undefined) {
      throw refusal(
        "AuthenticationFailed",
        "Authentication failed. The 'Authorization' header is missing or not a bearer token.",
      );
    }
    const origin = issuedFor();
    const { payload } = await jwtVerify(token, key.publicKey, {
      algorithms: ["RS256"],
      issuer: [issuerOf(origin, estate.tenantId, 1), issuerOf(origin, estate.tenantId, 2)],
      audience: [...ARM_AUDIENCES, origin, `${origin}/`],
      requiredClaims: ["oid", "tid", "exp"],
      currentDate: now(),
    }).catch((problem: unknown) => {
      throw explain(problem);
    });
    return principalOf(payload);
  };
}

function principalOf({ oid, tid }: JWTPayload): { oid: string; tid: string } {
  return { oid: String(oid), tid: String(tid) };
}
