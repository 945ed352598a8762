import { z } from "zod";
import { isArmAudience } from "./caller/arm-audience.ts";
import { webhooksSetting } from "./webhooks-setting.ts";

const list = z
  .string("expected one entry, or several with commas between them")
  .transform((text) =>
    text
      .split(",")
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ""),
  )
  .pipe(z.array(z.string()).min(1, "expected at least one entry"));

const tenants = list.pipe(
  z.array(z.guid("expected tenant ids, such as 11111111-2222-3333-4444-555555555555")),
);
const audiences = list.refine(
  (all) => !all.some(isArmAudience),
  "expected this service's own audiences, not Azure Resource Manager's",
);

const httpsUrl = z
  .url({ protocol: /^https$/, error: "expected an https address" })
  .transform((url) => url.replace(/\/+$/, ""));

/** A container's address: the account's and one name. */
const containerUrl = httpsUrl.refine(
  (url) => /^https:\/\/[\w.-]+(:\d+)?\/[a-z\d$][a-z\d-]{1,62}$/.test(url),
  "expected an https address of an account and a container, without query",
);

const whole = (least: number, most: number) =>
  z.coerce.number(`expected a whole number from ${least} to ${most}`).int().min(least).max(most);

const yesOrNo = z
  .enum(["true", "false"], { error: "expected true or false" })
  .transform((text) => text === "true");

/** NB. It becomes part of links in messages: nothing in it may end a link early. */
const publicUrl = httpsUrl.refine(
  (url) => /^https:\/\/[\w.:[\]-]+(\/[\w.~%-]+)*$/.test(url),
  "expected an https address without user, query or fragment",
);

/**
 * Every setting of the app, read once. The descriptions are the reference: docs/settings.md is checked against them.
 */
export const settingsSchema = z.object({
  TABLES_CONNECTION_STRING: z
    .string()
    .regex(
      /(^|;)(AccountName|SharedAccessSignature|UseDevelopmentStorage)=/i,
      "expected a connection string with AccountName or SharedAccessSignature",
    )
    .optional()
    .describe(
      "Connection string of the storage account for tables. For local use; in Azure use TABLES_URL.",
    ),
  TABLES_URL: httpsUrl
    .optional()
    .describe(
      "Table endpoint of the storage account, such as https://NAME.table.core.windows.net, reached with the app's managed identity.",
    ),
  TABLES_PREFIX: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9]{0,20}$/, "expected 1 to 21 letters and digits")
    .default("Jit")
    .describe("How the names of the tables begin: two deployments may share a storage account."),
  ANCHOR_CONTAINER_URL: containerUrl
    .optional()
    .describe(
      "Blob container for anchors of the activity, such as https://NAME.blob.core.windows.net/anchors, with an immutability policy, reached with the app's managed identity. Best in a storage account that operators of the app cannot change.",
    ),
  ANCHOR_CONNECTION_STRING: z
    .string()
    .regex(/(^|;)(AccountName|SharedAccessSignature|UseDevelopmentStorage)=/i, {
      error: "expected a connection string with AccountName or SharedAccessSignature",
    })
    .optional()
    .describe(
      "Connection string of the storage account for anchors. For local use; in Azure use ANCHOR_CONTAINER_URL.",
    ),
  ANCHOR_CONTAINER: z
    .string()
    .regex(/^[a-z\d](?:-?[a-z\d]){2,62}$/, "expected the name of a blob container")
    .default("anchors")
    .describe("Name of the container, beside ANCHOR_CONNECTION_STRING alone."),
  ACTIVITY_RETENTION_DAYS: whole(90, 36_500)
    .optional()
    .describe(
      "So many days activity is kept; without it for ever. Whole months are dropped, once their last day is older, at most three a day, never before an anchor holds their ends. 90 at least, so that no slip takes the last months.",
    ),
  ENTRA_TENANT_IDS: tenants.describe(
    "Tenants whose tokens are accepted, separated by commas. With several, callers may act in subscriptions of their own tenant only.",
  ),
  ENTRA_AUDIENCES: audiences.describe(
    "Audiences that tokens must be for: the app registration's client id and its App ID URI, separated by commas.",
  ),
  ENTRA_AUTHORITY: httpsUrl
    .default("https://login.microsoftonline.com")
    .describe("Where signing keys are fetched and v2.0 tokens are issued."),
  ENTRA_V1_AUTHORITY: httpsUrl
    .default("https://sts.windows.net")
    .describe("Issuer of v1.0 tokens."),
  EASY_AUTH: z
    .enum(["off", "on"], "expected 'off' or 'on'")
    .default("off")
    .describe(
      "'on' believes the headers of App Service Authentication where no bearer token is sent, and only while the platform itself says that it is on (WEBSITE_AUTH_ENABLED).",
    ),
  ARM_ENDPOINT: httpsUrl
    .default("https://management.azure.com")
    .describe("Azure Resource Manager."),
  ARM_SCOPE: z
    .string()
    .min(1)
    .default("https://management.azure.com/.default")
    .describe("Scope of the token that the app gets for Azure Resource Manager."),
  ARM_POLL_MS: whole(50, 60_000)
    .default(1_000)
    .describe(
      "Pause between looks at a running Azure operation, in milliseconds, where Azure names none.",
    ),
  DIRECTORY: z
    .enum(["graph", "off"], "expected graph or off")
    .default("graph")
    .describe(
      "Where accounts and groups are looked up: `graph` is Microsoft Graph. With `off` a disabled account counts until its token ends, nobody is in a group, and deny assignments that name groups apply to everybody.",
    ),
  GRAPH_ENDPOINT: httpsUrl.default("https://graph.microsoft.com").describe("Microsoft Graph."),
  GRAPH_SCOPE: z
    .string()
    .min(1)
    .default("https://graph.microsoft.com/.default")
    .describe("Scope of the token that the app gets for Microsoft Graph."),
  MANAGED_IDENTITY_CLIENT_ID: z
    .guid()
    .optional()
    .describe(
      "Client id of a user-assigned managed identity; without it the system-assigned one is used.",
    ),
  DEPLOYMENT_NAME: z
    .string(
      "expected a name that no other deployment has: deployments of one name remove each other's rules",
    )
    .regex(/^[\w.-]{1,20}$/, "expected 1 to 20 letters, digits, dots, dashes or underscores")
    .describe(
      "Names the owner of rules, in 1 to 20 characters. Two deployments that work on the same network security groups or firewalls need different names, or they remove each other's rules.",
    ),
  TRUSTED_PROXY_HOPS: whole(1, 5)
    .default(1)
    .describe(
      "How many proxies in front of the app add to X-Forwarded-For: 1 is the Functions platform alone.",
    ),
  RATE_LIMIT_SCALE: z.coerce
    .number("expected a number from 0.1 to 1000")
    .min(0.1)
    .max(1_000)
    .default(1)
    .describe(
      "Multiplies how many calls a caller may make in each instance of the app: at 1 it is 250 reads at once and 25 a second, 200 writes and 200 deletes at once and 10 a second.",
    ),
  WEBHOOKS: webhooksSetting
    .default([])
    .describe(
      "Who is told of what happens: a JSON list of `{ name, url, format, secret, events }`, see notifications.md. It holds secrets: keep it in a key vault.",
    ),
  WEBHOOKS_ALLOW_PRIVATE: yesOrNo
    .default(false)
    .describe("Whether webhooks may lead to private and loopback addresses: true or false."),
  PUBLIC_URL: publicUrl
    .optional()
    .describe(
      "Where people reach this service, such as https://jit.example.com, for links in notifications; none without it.",
    ),
});

export type Config = ReturnType<typeof readConfig>;

/** The settings could not be understood; the message lists every problem. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Reads the settings from an environment, or throws one error that names every setting at fault. NB. Never quotes a value. */
export function readConfig(environment: Environment) {
  const data = read(settingsSchema, environment);
  return {
    ...storageOf(data),
    activityRetentionDays: data.ACTIVITY_RETENTION_DAYS,
    entra: {
      tenantIds: data.ENTRA_TENANT_IDS,
      audiences: data.ENTRA_AUDIENCES,
      authority: data.ENTRA_AUTHORITY,
      v1Authority: data.ENTRA_V1_AUTHORITY,
    },
    easyAuth: easyAuthOf(data.EASY_AUTH, environment),
    arm: { endpoint: data.ARM_ENDPOINT, scope: data.ARM_SCOPE, pollMs: data.ARM_POLL_MS },
    directory: data.DIRECTORY,
    graph: { endpoint: data.GRAPH_ENDPOINT, scope: data.GRAPH_SCOPE },
    deploymentName: data.DEPLOYMENT_NAME,
    trustedProxyHops: data.TRUSTED_PROXY_HOPS,
    rateLimitScale: data.RATE_LIMIT_SCALE,
    webhooks: data.WEBHOOKS,
    webhooksAllowPrivate: data.WEBHOOKS_ALLOW_PRIVATE,
    publicUrl: data.PUBLIC_URL,
  };
}

/** As {@link readConfig}, of what leads to the storage alone: tools that look at it need no other settings. */
export function readStorageConfig(environment: Environment) {
  return storageOf(read(storageSchema, environment));
}

type Environment = Readonly<Record<string, string | undefined>>;

const storageSchema = settingsSchema.pick({
  TABLES_CONNECTION_STRING: true,
  TABLES_URL: true,
  TABLES_PREFIX: true,
  ANCHOR_CONTAINER_URL: true,
  ANCHOR_CONNECTION_STRING: true,
  ANCHOR_CONTAINER: true,
  MANAGED_IDENTITY_CLIENT_ID: true,
});

function read<T extends z.ZodRawShape>(schema: z.ZodObject<T>, environment: Environment) {
  const given = Object.fromEntries(
    Object.keys(schema.shape).map((name) => [
      name,
      environment[name] === "" ? undefined : environment[name],
    ]),
  );
  const parsed = schema.safeParse(given);
  const problems = [
    ...(parsed.success ? [] : parsed.error.issues).map(
      (issue) => `${issue.path.join(".")}: ${issue.message}`,
    ),
    ...togetherProblems(given),
  ];
  if (!parsed.success || problems.length > 0) {
    throw new ConfigError(`The app's settings need attention. ${problems.join("; ")}.`);
  }
  return parsed.data;
}

/** What is wrong with settings of which each by itself is well. */
function togetherProblems(given: Environment): readonly string[] {
  const isGiven = (name: keyof typeof settingsSchema.shape) => given[name] !== undefined;
  return [
    ...(isGiven("TABLES_CONNECTION_STRING") === isGiven("TABLES_URL")
      ? ["TABLES_URL, TABLES_CONNECTION_STRING: expected exactly one of the two"]
      : []),
    ...(isGiven("ANCHOR_CONNECTION_STRING") && isGiven("ANCHOR_CONTAINER_URL")
      ? ["ANCHOR_CONTAINER_URL, ANCHOR_CONNECTION_STRING: expected at most one of the two"]
      : []),
  ];
}

function storageOf(data: z.output<typeof storageSchema>) {
  const { TABLES_CONNECTION_STRING: connectionString, ANCHOR_CONNECTION_STRING: anchors } = data;
  return {
    tables: connectionString === undefined ? { url: data.TABLES_URL ?? "" } : { connectionString },
    tablesPrefix: data.TABLES_PREFIX,
    /** Nothing where no container is configured. */
    anchorContainer:
      anchors !== undefined
        ? { connectionString: anchors, container: data.ANCHOR_CONTAINER }
        : data.ANCHOR_CONTAINER_URL === undefined
          ? undefined
          : { url: data.ANCHOR_CONTAINER_URL },
    identityClientId: data.MANAGED_IDENTITY_CLIENT_ID,
  };
}

/**
 * NB. Only while App Service Authentication is on does the platform take its headers away from outside callers. It tells so in
 * `WEBSITE_AUTH_ENABLED`, read-only to us (Microsoft Learn, "Environment variables and app settings"; its value is `True` by
 * Microsoft.Identity.Web): without that word the headers are anybody's.
 */
function easyAuthOf(
  wanted: "off" | "on",
  environment: Environment,
): "off" | "on" | "not confirmed by the platform" {
  const isConfirmed = environment["WEBSITE_AUTH_ENABLED"]?.trim().toLowerCase() === "true";
  return wanted === "off" || isConfirmed ? wanted : "not confirmed by the platform";
}
