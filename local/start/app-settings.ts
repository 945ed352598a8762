import type { Estate } from "../cloud/estate.ts";
import { type Ports, tablesConnectionString } from "../endpoints.ts";

/** How often the app looks whether a write is done: the pretend Azure takes seconds, not minutes. */
const ARM_POLL_MS = 250;

/** Tests and benchmarks are a few people who call as often as hundreds. */
const RATE_LIMIT_SCALE = "100";

/** The settings an administrator would make in Azure, for this machine: the cloud stands for ARM, Entra ID and Graph alike. */
export function appSettings(
  estate: Pick<Estate, "tenantId" | "subscriptionId" | "otherTenants" | "application">,
  ports: Ports,
  identityHeader: string,
): Readonly<Record<string, string>> {
  const cloud = cloudUrl(ports);
  return {
    AZURE_FUNCTIONS_ENVIRONMENT: "Development",
    TABLES_CONNECTION_STRING: tablesConnectionString(ports.tables),
    ENTRA_AUTHORITY: cloud,
    ENTRA_V1_AUTHORITY: cloud,
    ENTRA_TENANT_IDS: [estate.tenantId, ...(estate.otherTenants ?? [])].join(","),
    ENTRA_AUDIENCES: `${estate.application.clientId},${estate.application.appIdUri}`,
    ARM_ENDPOINT: cloud,
    ARM_SCOPE: "https://management.azure.com/.default",
    ARM_POLL_MS: String(ARM_POLL_MS),
    GRAPH_ENDPOINT: `${cloud}/graph`,
    GRAPH_SCOPE: "https://graph.microsoft.com/.default",
    DEPLOYMENT_NAME: "local",
    HOME_SUBSCRIPTION_ID: estate.subscriptionId,
    TRUSTED_PROXY_HOPS: "1",
    RATE_LIMIT_SCALE,
    IDENTITY_ENDPOINT: `${cloud}/local/msi/token`,
    IDENTITY_HEADER: identityHeader,
  };
}

export function cloudUrl(ports: Ports): string {
  return `https://localhost:${ports.cloud}`;
}
