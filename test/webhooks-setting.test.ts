import { describe, expect, it } from "@jest/globals";
import { ConfigError, readConfig } from "../src/config.ts";

const least = {
  TABLES_URL: "https://example.table.core.windows.net",
  ENTRA_TENANT_IDS: "11111111-2222-4333-8444-555555555555",
  ENTRA_AUDIENCES: "api://jit",
  DEPLOYMENT_NAME: "shop",
};

const hook = {
  name: "ops",
  url: "https://hooks.example/hidden-path?sig=hidden",
  format: "json",
  secret: "hidden-hidden-hidden",
};

const webhooksOf = (WEBHOOKS: unknown) =>
  readConfig({ ...least, WEBHOOKS: JSON.stringify(WEBHOOKS) }).webhooks;

function complaint(settings: Readonly<Record<string, string>>): string {
  try {
    readConfig({ ...least, ...settings });
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.message;
    }
    throw error;
  }
  return "none";
}

describe("the setting WEBHOOKS", () => {
  it("names webhooks, each with its address, format and events", () => {
    const chat = {
      name: "chat",
      url: "https://hooks.slack.com/services/T/B/x",
      format: "slack",
      events: ["asked", "breakGlass"],
    };

    expect(webhooksOf([hook, chat])).toEqual([hook, chat]);
  });

  it.each([
    ["no JSON", "[{", "WEBHOOKS: expected a JSON list"],
    ["no list", hook, "WEBHOOKS: expected a JSON list"],
    ["text in the list", ["hidden"], "WEBHOOKS.0: expected an object"],
    ["a member nobody knows", [{ ...hook, hidden: 1 }], "WEBHOOKS.0: expected an object"],
    ["no name", [{ ...hook, name: undefined }], "WEBHOOKS.0.name"],
    ["a name with spaces", [{ ...hook, name: "hidden name" }], "WEBHOOKS.0.name"],
    ["one name twice", [hook, hook], "WEBHOOKS: expected a different name for each"],
    ["http", [{ ...hook, url: "http://hidden.example" }], "WEBHOOKS.0.url: expected an https"],
    ["a user", [{ ...hook, url: "https://hidden:x@h.example" }], "WEBHOOKS.0.url"],
    ["no address", [{ ...hook, url: "hidden" }], "WEBHOOKS.0.url"],
    ["another format", [{ ...hook, format: "hidden" }], "WEBHOOKS.0.format: expected one of json"],
    ["a short secret", [{ ...hook, secret: "hidden" }], "WEBHOOKS.0.secret: expected at least 16"],
    ["json unsigned", [{ ...hook, secret: undefined }], "WEBHOOKS.0.secret: expected a secret"],
    ["an unknown event", [{ ...hook, events: ["hidden"] }], "WEBHOOKS.0.events.0: expected events"],
    ["no event", [{ ...hook, events: [] }], "WEBHOOKS.0.events: expected at least one"],
    [
      "eleven of them",
      Array.from({ length: 11 }, (_, index) => ({ ...hook, name: `ops-${index}` })),
      "WEBHOOKS: expected at most 10",
    ],
  ])("with %s is refused, naming the place and no value", (_case, value, said) => {
    const message = complaint({
      WEBHOOKS: typeof value === "string" ? value : JSON.stringify(value),
    });

    expect(message).toContain(said);
    expect(message).not.toContain("hidden");
  });

  it("may lead to private addresses only where a setting says true", () => {
    const allowed = (WEBHOOKS_ALLOW_PRIVATE: string) =>
      readConfig({ ...least, WEBHOOKS_ALLOW_PRIVATE }).webhooksAllowPrivate;

    expect([allowed("true"), allowed("false"), allowed("")]).toEqual([true, false, false]);
    expect(complaint({ WEBHOOKS_ALLOW_PRIVATE: "yes" })).toContain("expected true or false");
  });
});

describe("the setting PUBLIC_URL", () => {
  it.each(["https://jit.example", "https://jit.example:8443/base/path"])("may be %s", (url) => {
    expect(readConfig({ ...least, PUBLIC_URL: `${url}/` }).publicUrl).toBe(url);
  });

  it.each([
    "http://jit.example",
    "https://user@jit.example",
    "https://jit.example/?a=1",
    "https://jit.example/#a",
    "https://jit.example/a|b",
    "https://jit.example/>",
  ])("may not be %s", (PUBLIC_URL) => {
    expect(complaint({ PUBLIC_URL })).toContain("PUBLIC_URL");
  });
});
