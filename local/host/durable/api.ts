import { randomUUID } from "node:crypto";
import type { App } from "../app.ts";
import type { DurableHost } from "../durable-host.ts";
import { managementUrls } from "./client-binding.ts";
import type { Engine } from "./engine.ts";
import { type NewEvent, newEvent } from "./history.ts";
import { findPage, matches } from "./instance-filter.ts";
import { statusCode, toHistoryEvents, toStatus } from "./status.ts";

export type ApiRequest = Parameters<DurableHost["handle"]>[0];
export type ApiAnswer = Awaited<ReturnType<DurableHost["handle"]>>;

/** Durable Functions' rules for ids: at most 100 characters, no leading @, nothing a table key or a URL would choke on. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses.
const instanceIdPattern = /^(?!@)[^/\\#?\u0000-\u001f\u007f-\u009f]{1,100}$/;

/** The management API of the durable extension (source: its HttpApiHandler), as the SDK's client uses it. */
export class ManagementApi {
  readonly #engine: Engine;
  readonly #app: App;
  readonly #hubName: string;

  constructor(engine: Engine, app: App, hubName: string) {
    this.#engine = engine;
    this.#app = app;
    this.#hubName = hubName;
  }

  async handle(request: ApiRequest): Promise<ApiAnswer> {
    const [area, ...rest] = segments(request.path);
    if (area === undefined) return refused(400, "The path is not valid.");
    const [first = "", second = "", third = ""] = rest;
    switch (`${request.method} ${area.toLowerCase()} ${rest.length}`) {
      case "POST orchestrators 1":
        return await this.#start(request, first, newInstanceId());
      case "POST orchestrators 2":
        return await this.#start(request, first, second);
      case "GET instances 0":
        return await this.#list(request);
      case "DELETE instances 0":
        return await this.#purgeMany(request);
      case "GET instances 1":
        return await this.#status(request, first);
      case "DELETE instances 1":
        return await this.#purge(first);
      case "POST instances 2":
        return await this.#operate(request, first, second.toLowerCase());
      case "POST instances 3":
        return second.toLowerCase() === "raiseevent"
          ? await this.#raise(request, first, third)
          : refused(404, "There is no such operation.");
      default:
        return area.toLowerCase() === "entities"
          ? refused(501, "Durable entities are not supported by the local host.")
          : refused(404, "There is no such resource.");
    }
  }

  async #start(request: ApiRequest, name: string, instanceId: string): Promise<ApiAnswer> {
    if (this.#app.functions.get(name)?.trigger.type !== "orchestrationTrigger") {
      return refused(
        400,
        `The function '${name}' doesn't exist, is disabled, or is not an orchestrator function.`,
      );
    }
    if (!instanceIdPattern.test(instanceId)) {
      return refused(400, `'${instanceId}' is not a valid instance ID.`);
    }
    const input = jsonBody(request);
    if (input === undefined) return refused(400, "The body is not valid JSON.");
    const version = request.query.get("version") ?? "";
    const inWay = await this.#engine.start({ instanceId, name, version, input });
    if (inWay) {
      const { runtimeStatus } = inWay;
      return refused(
        409,
        `An Orchestration instance with the status ${runtimeStatus} already exists.`,
      );
    }
    const urls = managementUrls({ ...request, hubName: this.#hubName }, instanceId);
    const headers = { location: urls["statusQueryGetUri"] ?? "", "retry-after": "10" };
    return { status: 202, headers, body: urls };
  }

  async #status(request: ApiRequest, instanceId: string): Promise<ApiAnswer> {
    const row = await this.#engine.instances.row(instanceId);
    if (!row) return unknown(instanceId);
    const { query } = request;
    const showsHistory = isOn(query, "showHistory", false);
    const history = showsHistory && {
      history: toHistoryEvents(
        await this.#engine.instances.history(row),
        isOn(query, "showHistoryOutput", false),
      ),
    };
    const body = toStatus(row, { input: isOn(query, "showInput", true), ...history });
    const status = statusCode(row, isOn(query, "returnInternalServerErrorOnFailure", false));
    if (status !== 202) return { status, body };
    const { statusQueryGetUri = "" } = managementUrls(
      { ...request, hubName: this.#hubName },
      instanceId,
    );
    return { status, headers: { location: statusQueryGetUri, "retry-after": "5" }, body };
  }

  async #list({ query, headers }: ApiRequest): Promise<ApiAnswer> {
    const rows = await this.#engine.instances.rows();
    const { page, next } = findPage(rows, query, headers["x-ms-continuation-token"]);
    const input = isOn(query, "showInput", true);
    return {
      status: 200,
      headers: next === undefined ? {} : { "x-ms-continuation-token": next },
      body: page.map((row) => toStatus(row, { input })),
    };
  }

  async #purge(instanceId: string): Promise<ApiAnswer> {
    if (!(await this.#engine.instances.row(instanceId))) return unknown(instanceId);
    return purged((await this.#engine.instances.purge(instanceId)) ? 1 : 0);
  }

  async #purgeMany({ query }: ApiRequest): Promise<ApiAnswer> {
    if (!query.get("createdTimeFrom")) {
      return refused(400, "Please provide a valid value for 'createdTimeFrom'.");
    }
    const rows = await this.#engine.instances.rows();
    let deleted = 0;
    for (const row of rows.filter((candidate) => matches(candidate, query))) {
      if (await this.#engine.instances.purge(row.instanceId)) deleted++;
    }
    return deleted === 0 ? refused(404, "No instances were found.") : purged(deleted);
  }

  async #raise(request: ApiRequest, instanceId: string, name: string): Promise<ApiAnswer> {
    const input = jsonBody(request);
    if (input === undefined) return refused(400, "The body is not valid JSON.");
    return await this.#send(
      instanceId,
      newEvent("EventRaised", { Name: name, Input: input ?? "null" }),
    );
  }

  async #operate({ query }: ApiRequest, instanceId: string, operation: string): Promise<ApiAnswer> {
    const reason = query.get("reason") ?? "";
    switch (operation) {
      case "terminate":
        return await this.#send(instanceId, newEvent("ExecutionTerminated", { Input: reason }));
      case "suspend":
        return await this.#send(instanceId, newEvent("ExecutionSuspended", { Reason: reason }));
      case "resume":
        return await this.#send(instanceId, newEvent("ExecutionResumed", { Reason: reason }));
      case "rewind":
      case "restart":
        // The SDK shows a text as it is, and an object as "[object Object]".
        return { status: 501, body: `The local host does not support '${operation}'.` };
      default:
        return refused(404, "There is no such operation.");
    }
  }

  async #send(instanceId: string, event: NewEvent): Promise<ApiAnswer> {
    switch (await this.#engine.send(instanceId, event)) {
      case "accepted":
        return { status: 202 };
      case "ended":
        return { status: 410 };
      case "unknown":
        return unknown(instanceId);
    }
  }
}

function segments(path: string): string[] {
  try {
    return path.split("/").filter(Boolean).map(decodeURIComponent);
  } catch {
    return [];
  }
}

/** The body as JSON text; null for none, undefined when it is not JSON. */
function jsonBody({ body }: ApiRequest): string | null | undefined {
  if (body.trim() === "") return null;
  try {
    return JSON.stringify(JSON.parse(body));
  } catch {
    return undefined;
  }
}

function isOn(query: URLSearchParams, name: string, byDefault: boolean): boolean {
  return (query.get(name) ?? String(byDefault)).toLowerCase() === "true";
}

function newInstanceId(): string {
  return randomUUID().replaceAll("-", "");
}

function unknown(instanceId: string): ApiAnswer {
  return refused(404, `No instance with ID '${instanceId}' was found.`);
}

function refused(status: number, message: string): ApiAnswer {
  return { status, body: { Message: message } };
}

function purged(instancesDeleted: number): ApiAnswer {
  return { status: 200, body: { instancesDeleted } };
}
