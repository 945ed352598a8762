import type { Estate } from "../estate.ts";
import { sameText } from "../resources.ts";
import type { CloudRequest, CloudResponse, Route } from "../router.ts";
import { authorityProblem } from "./authority-problem.ts";
import { noTenant, tenantOf } from "./metadata.ts";
import { type TokenMaker, usualVersion } from "./token.ts";

const LIFETIME_IN_SECONDS = 3600;
const DEFAULT_SCOPE = "/.default";

/** The client credentials grant, for the service identity only. Without a `clientSecret` no secret is right. */
export function tokenEndpoint(
  estate: Estate,
  tokens: TokenMaker,
  clientSecret: string | undefined,
): Route {
  async function grant(form: URLSearchParams): Promise<CloudResponse> {
    const audience = (form.get("scope") ?? "").slice(0, -DEFAULT_SCOPE.length);
    const { accessToken } = await tokens.forService({
      audience,
      version: usualVersion(estate, audience),
      tenantId: estate.tenantId,
      expiresInSeconds: LIFETIME_IN_SECONDS,
    });
    const expires_in = LIFETIME_IN_SECONDS;
    return {
      status: 200,
      headers: { "cache-control": "no-store" },
      body: {
        token_type: "Bearer",
        expires_in,
        ext_expires_in: expires_in,
        access_token: accessToken,
      },
    };
  }

  function refusal(form: URLSearchParams, tenantId: string): CloudResponse | undefined {
    const grantType = form.get("grant_type") ?? "";
    if (grantType !== "client_credentials") {
      return authorityProblem(
        400,
        "unsupported_grant_type",
        70003,
        `The app requested an unsupported grant type '${grantType}'.`,
      );
    }
    const clientId = form.get("client_id") ?? "";
    const isAtHome = sameText(tenantId, estate.tenantId);
    if (!isAtHome || !sameText(clientId, estate.serviceIdentity.clientId)) {
      return authorityProblem(
        400,
        "unauthorized_client",
        700016,
        `Application with identifier '${clientId}' was not found in the directory '${tenantId}'.`,
      );
    }
    if (clientSecret === undefined || form.get("client_secret") !== clientSecret) {
      return authorityProblem(
        401,
        "invalid_client",
        7000215,
        `Invalid client secret provided for app '${clientId}'.`,
      );
    }
    const scope = form.get("scope") ?? "";
    if (scope.includes(" ") || !scope.endsWith(DEFAULT_SCOPE)) {
      return authorityProblem(
        400,
        "invalid_scope",
        1002012,
        `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
      );
    }
    return undefined;
  }

  return {
    method: "POST",
    path: "/{tenant}/oauth2/v2.0/token",
    needsArmToken: false,
    handle(request: CloudRequest, parameters) {
      const tenantId = tenantOf(estate, parameters);
      if (tenantId === undefined) return noTenant(parameters);
      const form = new URLSearchParams(request.body.toString("utf8"));
      return refusal(form, tenantId) ?? grant(form);
    },
  };
}
