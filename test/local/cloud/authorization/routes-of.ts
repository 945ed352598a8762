import {
  type AuthorizationParts,
  authorizationResources,
} from "../../../../local/cloud/authorization/parts.ts";
import { authorizationRoutes } from "../../../../local/cloud/authorization/routes.ts";
import { createScopeCheck } from "../../../../local/cloud/authorization/scope.ts";
import { createDirectory, directoryResources } from "../../../../local/cloud/entra/directory.ts";
import type { Estate } from "../../../../local/cloud/estate.ts";
import { createResources, newEtag } from "../../../../local/cloud/resources.ts";
import type { Route } from "../../../../local/cloud/router.ts";

/** What the routes need, as the cloud makes it of an estate. */
export function partsOf(estate: Estate, now = () => new Date()): AuthorizationParts {
  const held = [...authorizationResources(estate), ...directoryResources(estate)].map(
    (resource) => ({ resource, etag: newEtag() }),
  );
  const resources = createResources(held, () => undefined);
  return {
    resources,
    directory: createDirectory(resources),
    isAtOrAbove: createScopeCheck(estate),
    tenantId: estate.tenantId,
    pageSize: estate.behaviour?.pageSize ?? 1_000,
    now,
  };
}

/** The routes of Microsoft.Authorization over an estate of their own. */
export function routesOf(estate: Estate): readonly Route[] {
  return authorizationRoutes(partsOf(estate));
}
