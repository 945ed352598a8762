import type { Change } from "../policy/changes.ts";
import type { Digest } from "../ports.ts";
import { type Fact, factVersion } from "./fact.ts";

/** Settings as the audit may tell them: by name, a JSON text each. */
export type ToldSettings = Readonly<Record<string, string>>;

/** NB. Only these are told as they are. What is not among them, such as a setting that is added one day, is taken for a secret. */
const plain: ReadonlySet<string> = new Set([
  "ACTIVITY_LOG",
  "ACTIVITY_RETENTION_DAYS",
  "ANCHOR_CONTAINER",
  "ANCHOR_CONTAINER_URL",
  "ARM_ENDPOINT",
  "ARM_POLL_MS",
  "ARM_SCOPE",
  "DEPLOYMENT_NAME",
  "DIRECTORY",
  "EASY_AUTH",
  "ENTRA_AUDIENCES",
  "ENTRA_AUTHORITY",
  "ENTRA_TENANT_IDS",
  "ENTRA_V1_AUTHORITY",
  "GRAPH_ENDPOINT",
  "GRAPH_SCOPE",
  "HOME_SUBSCRIPTION_ID",
  "MANAGED_IDENTITY_CLIENT_ID",
  "PUBLIC_URL",
  "RATE_LIMIT_SCALE",
  "TABLES_PREFIX",
  "TABLES_URL",
  "TRUSTED_PROXY_HOPS",
  "WEBHOOKS_ALLOW_PRIVATE",
]);

/** Of each webhook. */
const plainOfWebhook: ReadonlySet<string> = new Set(["events", "format"]);

/**
 * What the audit tells of the settings that are in force, defaults included. NB. Of a secret only eight digits of its digest: they
 * tell that it changed, and too little to find it by trying.
 */
export function toldSettings(
  settings: Readonly<Record<string, unknown>>,
  digest: Digest,
): ToldSettings {
  const secret = (value: unknown) =>
    JSON.stringify(`sha256 ${digest(JSON.stringify(value)).slice(0, 8)}…`);
  const told = Object.entries(settings).flatMap(([name, value]) => {
    if (value === undefined) {
      return [];
    }
    if (name === "WEBHOOKS" && Array.isArray(value)) {
      return value.flatMap((webhook) => webhookTold(webhook, secret));
    }
    return [[name, plain.has(name) ? withoutKeys(JSON.stringify(value)) : secret(value)] as const];
  });
  return Object.fromEntries(told);
}

function webhookTold(
  webhook: unknown,
  secret: (value: unknown) => string,
): readonly (readonly [string, string])[] {
  const { name, ...members } = Object(webhook) as Readonly<Record<string, unknown>>;
  return Object.entries(members)
    .filter(([, value]) => value !== undefined)
    .map(([member, value]) => [
      `WEBHOOKS[${name}].${member}`,
      plainOfWebhook.has(member) ? JSON.stringify(value) : secret(value),
    ]);
}

/** NB. An address may hold a key behind `?`, or a password before `@`. */
const withoutKeys = (json: string): string =>
  json.replace(/:\/\/[^/"]*@/g, "://…@").replace(/\?[^"]*/g, "?…");

/** The service runs with other settings than before. `id` names the change: the same one told twice is one fact. */
export function configurationFact(
  changes: readonly Change[],
  told: { readonly id: string; readonly at: Date; readonly subscriptionId: string },
): Fact {
  return {
    version: factVersion,
    id: `service.configuration.${told.id}`,
    at: told.at.toISOString(),
    operation: "service.configuration",
    outcome: "done",
    subscriptionId: told.subscriptionId,
    changes,
  };
}
