import type { Estate } from "../estate.ts";
import { text } from "../read-routes.ts";
import { sameText } from "../resources.ts";
import type { CloudResponse, Parameters, Route } from "../router.ts";
import { authorityProblem } from "./authority-problem.ts";
import type { SigningKey } from "./signing-key.ts";
import { issuerOf, type TokenVersion } from "./token.ts";

/** Issuer metadata and public keys of every tenant of the estate, in both of Entra ID's generations. One key signs for all. */
export function metadataRoutes(
  estate: Estate,
  key: SigningKey,
  issuedFor: () => string,
): readonly Route[] {
  const metadata = (version: TokenVersion) => (tenantId: string) => ({
    status: 200,
    body: describe(issuedFor(), tenantId, version),
  });
  const keys = (): CloudResponse => ({ status: 200, body: { keys: [key.jwk] } });

  const get = (path: string, answer: (tenantId: string) => CloudResponse): Route => ({
    method: "GET",
    path,
    needsArmToken: false,
    handle: (_request, parameters) => {
      const tenantId = tenantOf(estate, parameters);
      return tenantId === undefined ? noTenant(parameters) : answer(tenantId);
    },
  });
  return [
    get("/{tenant}/v2.0/.well-known/openid-configuration", metadata(2)),
    get("/{tenant}/.well-known/openid-configuration", metadata(1)),
    get("/{tenant}/discovery/v2.0/keys", keys),
    get("/{tenant}/discovery/keys", keys),
  ];
}

/** Undefined for a tenant that does not exist; the two names for "whatever tenant it is" mean the estate's own. */
export function tenantOf(
  { tenantId, otherTenants = [] }: Estate,
  parameters: Parameters,
): string | undefined {
  const asked = text(parameters, "tenant");
  if (["common", "organizations"].some((name) => sameText(name, asked))) return tenantId;
  return [tenantId, ...otherTenants].find((each) => sameText(each, asked));
}

/** Entra ID's refusal of a tenant that does not exist. */
export function noTenant(parameters: Parameters): CloudResponse {
  return authorityProblem(
    400,
    "invalid_tenant",
    90002,
    `Tenant '${text(parameters, "tenant")}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.`,
  );
}

function describe(origin: string, tenantId: string, version: TokenVersion): unknown {
  const tenant = `${origin}/${tenantId}`;
  return {
    issuer: issuerOf(origin, tenantId, version),
    jwks_uri: version === 2 ? `${tenant}/discovery/v2.0/keys` : `${tenant}/discovery/keys`,
    token_endpoint: `${tenant}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ["client_secret_post"],
    // Nobody signs in here with a browser, but clients take metadata without this member for broken.
    authorization_endpoint: `${tenant}/oauth2/v2.0/authorize`,
    response_types_supported: ["code"],
    subject_types_supported: ["pairwise"],
    id_token_signing_alg_values_supported: ["RS256"],
    tenant_region_scope: null,
    cloud_instance_name: "local",
  };
}
