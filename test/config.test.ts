import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { ConfigError, readConfig, readStorageConfig, settingsSchema } from "../src/config.ts";
import { settingsPage } from "../src/settings-page.ts";

const least = {
  TABLES_URL: "https://example.table.core.windows.net",
  ENTRA_TENANT_IDS: "11111111-2222-4333-8444-555555555555",
  ENTRA_AUDIENCES: "api://jit, client-1 ,",
  DEPLOYMENT_NAME: "shop",
};

/** What `readConfig` says about settings it cannot use. */
function complaint(settings: Readonly<Record<string, string | undefined>>): string {
  try {
    readConfig(settings);
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.message;
    }
    throw error;
  }
  return "none";
}

describe("the settings", () => {
  it("have defaults for all that Azure is the same for everybody", () => {
    expect(readConfig(least)).toEqual({
      tables: { url: "https://example.table.core.windows.net" },
      tablesPrefix: "Jit",
      entra: {
        tenantIds: ["11111111-2222-4333-8444-555555555555"],
        audiences: ["api://jit", "client-1"],
        authority: "https://login.microsoftonline.com",
        v1Authority: "https://sts.windows.net",
      },
      arm: {
        endpoint: "https://management.azure.com",
        scope: "https://management.azure.com/.default",
        pollMs: 1_000,
      },
      directory: "graph",
      graph: {
        endpoint: "https://graph.microsoft.com",
        scope: "https://graph.microsoft.com/.default",
      },
      identityClientId: undefined,
      deploymentName: "shop",
      trustedProxyHops: 1,
      easyAuth: "off",
      rateLimitScale: 1,
      webhooks: [],
      webhooksAllowPrivate: false,
      publicUrl: undefined,
    });
  });

  it("lead to a container for anchors, by address or for local use by connection string, and to none without", () => {
    const url = "https://audit.blob.core.windows.net/anchors";
    const secret = "UseDevelopmentStorage=true";

    expect(readConfig(least).anchorContainer).toBeUndefined();
    expect(readConfig({ ...least, ANCHOR_CONTAINER_URL: `${url}/` }).anchorContainer).toEqual({
      url,
    });
    expect(readConfig({ ...least, ANCHOR_CONNECTION_STRING: secret }).anchorContainer).toEqual({
      connectionString: secret,
      container: "anchors",
    });
    expect(
      complaint({ ...least, ANCHOR_CONTAINER_URL: url, ANCHOR_CONNECTION_STRING: secret }),
    ).toMatch(/at most one of the two/);
    for (const bad of [
      "https://audit.blob.core.windows.net",
      `${url}?sig=x`,
      "http://a.b/anchors",
    ]) {
      expect(complaint({ ...least, ANCHOR_CONTAINER_URL: bad })).toMatch(/ANCHOR_CONTAINER_URL/);
    }
  });

  it("keep activity for ever, or for ninety days and more", () => {
    const kept = (days: string) => readConfig({ ...least, ACTIVITY_RETENTION_DAYS: days });

    expect(readConfig(least).activityRetentionDays).toBeUndefined();
    expect(kept("90").activityRetentionDays).toBe(90);
    for (const bad of ["89", "0", "-1", "90.5", "a year"]) {
      expect(complaint({ ...least, ACTIVITY_RETENTION_DAYS: bad })).toMatch(
        /ACTIVITY_RETENTION_DAYS/,
      );
    }
  });

  it("that lead to the storage can be read without the others", () => {
    expect(readStorageConfig({ TABLES_URL: least.TABLES_URL, TABLES_PREFIX: "Shop" })).toEqual({
      tables: { url: least.TABLES_URL },
      tablesPrefix: "Shop",
    });
    expect(() => readStorageConfig({})).toThrow(ConfigError);
  });

  it.each([
    ["off", undefined, "True", "off"],
    ["off", "off", "True", "off"],
    ["on", "on", "True", "on"],
    ["on", "on", "true", "on"],
    ["not believed", "on", undefined, "not confirmed by the platform"],
    ["not believed", "on", "", "not confirmed by the platform"],
    ["not believed", "on", "False", "not confirmed by the platform"],
    ["not believed", "on", "1", "not confirmed by the platform"],
  ])(
    "say that EasyAuth is %s when asked for %s while the platform says %s",
    (_case, EASY_AUTH, WEBSITE_AUTH_ENABLED, expected) => {
      expect(readConfig({ ...least, EASY_AUTH, WEBSITE_AUTH_ENABLED }).easyAuth).toBe(expected);
    },
  );

  it("take an empty value for one that is not set, as the portal leaves it", () => {
    expect(readConfig({ ...least, TABLES_PREFIX: "", TABLES_CONNECTION_STRING: "" })).toEqual(
      readConfig(least),
    );
  });

  it("are complained about all at once", () => {
    const message = complaint({ ARM_ENDPOINT: "http://arm.example", TRUSTED_PROXY_HOPS: "0" });

    for (const name of [
      "ARM_ENDPOINT",
      "TRUSTED_PROXY_HOPS",
      "ENTRA_TENANT_IDS",
      "ENTRA_AUDIENCES",
      "DEPLOYMENT_NAME",
      "TABLES_URL",
    ]) {
      expect(message).toContain(name);
    }
  });

  it.each([
    ["two homes for tables", { TABLES_CONNECTION_STRING: "AccountKey=c2VjcmV0" }, "TABLES_URL"],
    ["a tenant by its domain", { ENTRA_TENANT_IDS: "contoso.onmicrosoft.com" }, "ENTRA_TENANT_IDS"],
    [
      "Azure's own audience",
      { ENTRA_AUDIENCES: "https://management.azure.com/" },
      "ENTRA_AUDIENCES",
    ],
    [
      "another cloud's",
      { ENTRA_AUDIENCES: "https://management.core.chinacloudapi.cn" },
      "ENTRA_AUDIENCES",
    ],
    ["EasyAuth half on", { EASY_AUTH: "true" }, "EASY_AUTH"],
    ["no calls at all", { RATE_LIMIT_SCALE: "0" }, "RATE_LIMIT_SCALE"],
    ["no tenant", { ENTRA_TENANT_IDS: " , " }, "ENTRA_TENANT_IDS"],
    ["a name too long for rules", { DEPLOYMENT_NAME: "a".repeat(21) }, "DEPLOYMENT_NAME"],
    ["a name that no rule may have", { DEPLOYMENT_NAME: "my app" }, "DEPLOYMENT_NAME"],
    ["a table name that is none", { TABLES_PREFIX: "1-x" }, "TABLES_PREFIX"],
    ["a directory that is none", { DIRECTORY: "ldap" }, "DIRECTORY"],
    ["Graph without encryption", { GRAPH_ENDPOINT: "http://graph.example" }, "GRAPH_ENDPOINT"],
    ["a pause that is no number", { ARM_POLL_MS: "soon" }, "ARM_POLL_MS"],
    [
      "an identity that is no id",
      { MANAGED_IDENTITY_CLIENT_ID: "me" },
      "MANAGED_IDENTITY_CLIENT_ID",
    ],
  ])("with %s are refused, naming the setting and no value", (_case, given, name) => {
    const message = complaint({ ...least, ...given });

    expect(message).toContain(name);
    expect(message).not.toContain("c2VjcmV0");
  });

  it("need a name for the deployment, so that no two take each other's rules for their own", () => {
    for (const DEPLOYMENT_NAME of [undefined, ""]) {
      expect(complaint({ ...least, DEPLOYMENT_NAME })).toContain("remove each other's rules");
    }
  });

  it("are written down in docs/settings.md, all of them and as they are", () => {
    const page = readFileSync(new URL("../docs/settings.md", import.meta.url), "utf8");

    expect(page).toBe(settingsPage());
  });

  it("each say what they are for", () => {
    for (const [name, schema] of Object.entries(settingsSchema.shape)) {
      expect([name, schema.description ?? ""]).toEqual([name, expect.stringMatching(/\.$/)]);
    }
  });

  it("of the example for local use are all known and good", () => {
    const file = new URL("../local.settings.example.json", import.meta.url);
    const { Values: values } = JSON.parse(readFileSync(file, "utf8"));
    // Read by the Functions host and by Azure's identity library, not by us.
    const notOurs = [
      "FUNCTIONS_WORKER_RUNTIME",
      "AzureWebJobsStorage",
      "IDENTITY_ENDPOINT",
      "IDENTITY_HEADER",
    ];
    const known = new Set([...Object.keys(settingsSchema.shape), ...notOurs]);

    expect(complaint(values)).toBe("none");
    expect(Object.keys(values).filter((name) => !known.has(name))).toEqual([]);
  });
});
