import type { Estate } from "../estate.ts";
import { parameter } from "../guards.ts";
import { sameText } from "../resources.ts";
import { CloudError, type CloudRequest, type CloudResponse, type Route } from "../router.ts";
import { type TokenMaker, usualVersion } from "./token.ts";

/** Managed identities get tokens for a day (Microsoft Learn, "Managed identities: how long are tokens cached"). */
const LIFETIME_IN_SECONDS = 86_400;
const API_VERSION = "2019-08-01";

/**
 * App Service's token endpoint for the app's managed identity: set `IDENTITY_ENDPOINT` to `{cloud}/local/msi/token` and
 * `IDENTITY_HEADER` to the same secret as here, and `ManagedIdentityCredential` works as in Azure. Without a secret nobody
 * is served.
 */
export function managedIdentityRoute(
  estate: Estate,
  tokens: TokenMaker,
  identityHeader: string | undefined,
): Route {
  async function handle(request: CloudRequest): Promise<CloudResponse> {
    if (identityHeader === undefined || request.headers["x-identity-header"] !== identityHeader) {
      throw new CloudError(401, "Unauthorized", "The X-IDENTITY-HEADER is missing or wrong.");
    }
    const resource = orderedResource(estate, request.query);
    const { accessToken, expiresOn } = await tokens.forService({
      audience: resource,
      version: usualVersion(estate, resource),
      tenantId: estate.tenantId,
      expiresInSeconds: LIFETIME_IN_SECONDS,
    });
    return {
      status: 200,
      body: {
        access_token: accessToken,
        // Text, as App Service sends it.
        expires_on: String(expiresOn),
        resource,
        token_type: "Bearer",
        client_id: estate.serviceIdentity.clientId,
      },
    };
  }
  return { method: "GET", path: "/local/msi/token", needsArmToken: false, handle };
}

function orderedResource(estate: Estate, query: URLSearchParams): string {
  if (parameter(query, "api-version") !== API_VERSION) {
    throw new CloudError(400, "BadRequest", `The api-version must be ${API_VERSION}.`);
  }
  const { clientId, principalId } = estate.serviceIdentity;
  const other =
    differs(parameter(query, "client_id"), clientId) ||
    differs(parameter(query, "principal_id"), principalId) ||
    differs(parameter(query, "object_id"), principalId) ||
    parameter(query, "mi_res_id") !== undefined;
  if (other) {
    throw new CloudError(
      400,
      "BadRequest",
      "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
    );
  }
  const resource = parameter(query, "resource") ?? "";
  if (resource === "") throw new CloudError(400, "BadRequest", "The resource is missing.");
  return resource;
}

function differs(asked: string | undefined, ours: string): boolean {
  return asked !== undefined && !sameText(asked, ours);
}
