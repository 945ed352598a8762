import type { IncomingHttpHeaders } from "node:http";
import type { Fate } from "./operations.ts";

/** A request as the pretend cloud's handlers see it. `path` is as sent; matching ignores case and doubled slashes. */
export interface CloudRequest {
  readonly method: string;
  /** Scheme, host and port the caller used, without a trailing slash: every link in an answer starts with it. */
  readonly origin: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The principal of a verified token; absent on routes that need none. */
  readonly principal?: Principal;
  /** Set by a fault: what becomes of the operation this request starts. */
  readonly fate?: Fate;
}

/** Who sent a token. */
export interface Principal {
  readonly oid: string;
  readonly tid: string;
  /** An application's permissions, as its token lists them; absent from a person's token. */
  readonly roles?: readonly string[];
}

export interface CloudResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; absent means an empty body. */
  readonly body?: unknown;
}

/** In the place of an answer: the connection is destroyed. The request log shows it as status 0. */
export const connectionCut: CloudResponse = { status: 0 };

/** Parameters of the matched path, decoded; `{*rest}` and a leading `{*scope}` take any number of segments. */
export type Parameters = Readonly<Record<string, string>>;

/** One operation: `path` like `/subscriptions/{subscriptionId}/resourceGroups/{group}/…`, literals matched without case. */
export interface Route {
  readonly method: string;
  readonly path: string;
  /** True for everything but sign-in: the server checks the bearer token first and answers 401 itself. */
  readonly needsArmToken: boolean;
  /** True for Microsoft Graph: its token is checked instead, and its errors have their own shape. */
  readonly needsGraphToken?: true;
  handle(request: CloudRequest, parameters: Parameters): Promise<CloudResponse> | CloudResponse;
}

/** ARM's error, thrown by handlers and turned into `{ error: { code, message, details } }` by the server. */
export class CloudError extends Error {
  override readonly name = "CloudError";
  readonly status: number;
  readonly code: string;
  readonly details: readonly { readonly code: string; readonly message: string }[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    details: readonly { readonly code: string; readonly message: string }[] = [],
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
    this.headers = headers;
  }
}
