import { describe, expect, it } from "@jest/globals";
import { acceptsGzip, preferredType } from "../../src/http/accept.ts";

const offered = ["application/json", "text/csv", "application/x-ndjson"] as const;

describe("what a client takes", () => {
  it.each([
    [undefined, "application/json"],
    ["", "application/json"],
    ["*/*", "application/json"],
    ["text/csv", "text/csv"],
    ["TEXT/CSV; charset=utf-8", "text/csv"],
    ["application/x-ndjson", "application/x-ndjson"],
    ["text/csv, */*;q=0.1", "text/csv"],
    ["text/csv;q=0.5, application/json;q=0.9", "application/json"],
    ["text/csv;q=0, */*", "application/json"],
    ["text/*", "text/csv"],
    ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"],
    ["application/pdf", "application/json"],
    ["text/csv;q=nonsense", "text/csv"],
  ])("by 'Accept: %s' is %s", (accept, type) => {
    expect(preferredType(accept, offered)).toBe(type);
  });

  it.each([
    [undefined, false],
    ["", false],
    ["gzip", true],
    ["GZIP", true],
    ["deflate, gzip;q=1.0, *;q=0.5", true],
    ["gzip;q=0", false],
    ["gzip;q=0.001", true],
    ["*", true],
    ["*;q=0", false],
    ["gzip;q=0, *", false],
    ["identity", false],
    ["br", false],
  ])("by 'Accept-Encoding: %s' is gzip: %s", (encoding, isGzip) => {
    expect(acceptsGzip(encoding)).toBe(isGzip);
  });
});
