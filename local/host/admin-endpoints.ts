import type { IncomingMessage } from "node:http";
import { plain, send } from "./answer.ts";
import type { HostLog } from "./app.ts";
import { describeError } from "./errors.ts";
import { type Answer, pathBelow } from "./host-ports.ts";
import type { Timers } from "./timers.ts";

/** Where the platform runs a function that has no HTTP trigger. */
const ADMIN_PATH = "/admin/functions/";

export interface AdminOptions {
  readonly timers: Pick<Timers, "has" | "runNow">;
  readonly log: HostLog;
}

/**
 * `POST /admin/functions/{name}` runs a timer function now and is answered 202 before it has ended, as in Azure; what it
 * throws is logged. Of the platform's other functions none can be run this way here.
 *
 * NB. No key is asked for, as Core Tools asks for none on a developer's machine. The port is open on loopback addresses
 * only, and a body must say that it is JSON, which a web page of another origin may not.
 */
export function withAdmin({ timers, log }: AdminOptions, next: Answer): Answer {
  return async (request, response, url) => {
    const name = pathBelow(ADMIN_PATH, url);
    if (name === undefined || request.method !== "POST") await next(request, response, url);
    else send(response, plain(run(decoded(name), request)));
  };

  /** The status to answer with. */
  function run(name: string, request: IncomingMessage): number {
    if (!saysJson(request)) return 415;
    if (!timers.has(name)) return 404;
    timers.runNow(name).catch((error: unknown) => {
      log("error", `${name} failed: ${describeError(error)}`);
    });
    return 202;
  }
}

function saysJson({ headers }: IncomingMessage): boolean {
  return /^application\/json\s*(;|$)/i.test(headers["content-type"] ?? "");
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
