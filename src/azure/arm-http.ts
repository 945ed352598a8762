import type { TokenCredential } from "@azure/core-auth";
import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineFromOptions,
  createPipelineRequest,
  defaultRetryPolicy,
  isRestError,
  type Pipeline,
  type PipelineResponse,
  type RetryStrategy,
  retryPolicy,
} from "@azure/core-rest-pipeline";
import { ArmError } from "./azure-error.ts";

/** Where Azure Resource Manager is and who we are to it. */
export interface ArmOptions {
  readonly credential: TokenCredential;
  /** `https://management.azure.com`, or that of another cloud. */
  readonly endpoint: string;
  /** What a token is asked for: `https://management.azure.com/.default`. */
  readonly scope: string;
  /** For clouds with a certificate authority of their own. */
  readonly tlsOptions?: { readonly ca: string } | undefined;
  /** One try of one request. @default 30000 */
  readonly requestTimeoutMs?: number | undefined;
  /** Before the first repetition; doubles with every further one. @default 500 */
  readonly retryDelayMs?: number | undefined;
}

export interface ArmRequest {
  /** NB. `POST` only asks: it is repeated like a read. */
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Absolute, or a path below the endpoint. */
  readonly url: string;
  readonly body?: string | undefined;
  readonly ifMatch?: string | undefined;
}

export interface ArmAnswer {
  readonly status: number;
  /** The body as it came: SDK errors leave the details out. */
  readonly text: string;
  header(name: string): string | undefined;
}

/** Sends one request, whatever the answer's status. Throws `ArmError` when no answer came, and the credential's own errors. */
export type SendToArm = (request: ArmRequest) => Promise<ArmAnswer>;

export const defaultRequestTimeoutMs = 30_000;
const defaultRetryDelayMs = 500;
const maxRetries = 3;
/** A longer wait is the caller's to decide. */
const longestWaitMs = 15_000;

/** Requests to Azure Resource Manager as they are on the wire: no model drops a property, no error body is lost. */
export function createArmHttp(options: ArmOptions): SendToArm {
  const pipeline = createPipeline(options);
  const client = createDefaultHttpClient();
  const timeout = options.requestTimeoutMs ?? defaultRequestTimeoutMs;
  const base = options.endpoint.replace(/\/+$/, "");

  return async ({ method, url, body, ifMatch }) => {
    const target = new URL(url, base);
    const request = createPipelineRequest({
      url: target.href,
      method,
      timeout,
      headers: createHttpHeaders({
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(ifMatch === undefined ? {} : { "if-match": ifMatch }),
      }),
      ...(body === undefined ? {} : { body }),
    });
    try {
      return answerOf(await pipeline.sendRequest(client, request));
    } catch (error) {
      throw withoutRequest(error, `${method} ${new URL(request.url).pathname}`);
    }
  };
}

function createPipeline(options: ArmOptions): Pipeline {
  const { credential, scope, tlsOptions } = options;
  const pipeline = createPipelineFromOptions(tlsOptions === undefined ? {} : { tlsOptions });
  pipeline.removePolicy({ name: defaultRetryPolicy().name });
  const strategy = repeatWhatIsSafe(options.retryDelayMs ?? defaultRetryDelayMs);
  pipeline.addPolicy(retryPolicy([strategy], { maxRetries }), { phase: "Retry" });
  pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential, scopes: scope }));
  return pipeline;
}

function answerOf(response: PipelineResponse): ArmAnswer {
  return {
    status: response.status,
    text: response.bodyAsText ?? "",
    header: (name) => response.headers.get(name),
  };
}

/** NB. The SDK's errors hold the request, and the request holds our token: neither they nor a `cause` leave this folder. */
export function withoutRequest(error: unknown, what: string): unknown {
  if (isRestError(error)) {
    const code = error.code ?? "";
    const status = error.statusCode;
    const problem = status === undefined ? "had no answer" : `was answered ${status}`;
    return new ArmError(`${what} ${problem}: ${code} ${error.message.slice(0, 400)}`, {
      status,
      code,
    });
  }
  if (error instanceof Error && error.name === "AbortError") {
    return new ArmError(`${what} had no answer in time.`, { code: "ETIMEDOUT" });
  }
  return error;
}

/** Faults before the request can have left us. */
const neverSent = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"]);
/** The front door's own troubles. Not 504: what stands behind it may be at work by now. */
const notStarted = new Set([500, 502, 503]);

/**
 * NB. A write is repeated only where the first cannot have been taken up: Azure cancels a write that still runs when another
 * arrives. Whatever is uncertain goes back to the caller, who reads the gate again. Reads are repeated after any fault.
 */
function repeatWhatIsSafe(firstDelayMs: number): RetryStrategy {
  return {
    name: "repeatWhatIsSafe",
    retry({ retryCount, response, responseError }) {
      const { method = "" } = response?.request ?? responseError?.request ?? {};
      const isRead = ["GET", "POST"].includes(method);
      const isSafe =
        response === undefined
          ? isRead || neverSent.has(responseError?.code ?? "")
          : notStarted.has(response.status) ||
            (isRead && [408, 429, 504].includes(response.status));
      const asked = response === undefined ? undefined : retryAfterMs(answerOf(response));
      const waitMs = Math.max(asked ?? 0, firstDelayMs * 2 ** retryCount);
      return isSafe && waitMs <= longestWaitMs
        ? { retryAfterInMs: waitMs }
        : { skipStrategy: true };
    },
  };
}

/** The pause Azure asks for (`Retry-After`, in seconds), if it asks for one. */
export function retryAfterMs(answer: ArmAnswer): number | undefined {
  const seconds = Number(answer.header("retry-after") ?? 0);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : undefined;
}
