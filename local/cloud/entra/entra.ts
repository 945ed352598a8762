import type { Estate } from "../estate.ts";
import { createGraphTokenCheck, type VerifyToken } from "../graph/graph-token.ts";
import type { Route } from "../router.ts";
import { createArmTokenCheck, type VerifyArmToken } from "./arm-token.ts";
import { managedIdentityRoute } from "./managed-identity.ts";
import { metadataRoutes } from "./metadata.ts";
import { personTokenRoute } from "./person-tokens.ts";
import { loadSigningKey } from "./signing-key.ts";
import { createTokenMaker } from "./token.ts";
import { tokenEndpoint } from "./token-endpoint.ts";

interface EntraOptions {
  readonly estate: Estate;
  /** The cloud's origin without a trailing slash; asked at each use, since the port may be known only after listening. */
  readonly issuedFor: () => string;
  readonly now: () => Date;
  /** Where the signing key is kept, so that tokens outlive a restart. Without it each start has a new key. */
  readonly keyFile?: string | undefined;
  /** What callers of the managed-identity endpoint have to send as X-IDENTITY-HEADER. Without it nobody is served. */
  readonly identityHeader?: string | undefined;
  /** The service identity's secret for the client credentials grant. Without it that grant is always refused. */
  readonly clientSecret?: string | undefined;
}

export interface Entra {
  readonly routes: readonly Route[];
  /** The principal of an `Authorization` header meant for ARM, or a CloudError 401 with a challenge. */
  readonly verifyArmToken: VerifyArmToken;
  /** The same for Microsoft Graph. */
  readonly verifyGraphToken: VerifyToken;
}

/**
 * The parts of Entra ID that JIT Access and its clients need: keys and issuer metadata, tokens for the estate's people
 * without signing in, and tokens for the service identity. Signatures, issuers, audiences and claims are as in Azure; what
 * differs is that one origin stands for login.microsoftonline.com and sts.windows.net alike.
 */
export async function createEntra(options: EntraOptions): Promise<Entra> {
  const { estate, issuedFor, now } = options;
  const key = await loadSigningKey(options.keyFile);
  const tokens = createTokenMaker(estate, key, issuedFor, now);
  return {
    routes: [
      ...metadataRoutes(estate, key, issuedFor),
      tokenEndpoint(estate, tokens, options.clientSecret),
      managedIdentityRoute(estate, tokens, options.identityHeader),
      personTokenRoute(estate, tokens),
    ],
    verifyArmToken: createArmTokenCheck(estate, key, issuedFor, now),
    verifyGraphToken: createGraphTokenCheck(estate, key, issuedFor, now),
  };
}
