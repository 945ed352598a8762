import Module from "node:module";
import type { HostLog, InvocationRequest, InvocationResponse } from "./app.ts";

/** Version numbers as the library reads them; the `log` hook needs a host of at least 4.34. */
const WORKER_VERSION = "3.12.0";
const HOST_VERSION = "4.1041.200";

export type CoreLogLevel =
  | "trace"
  | "debug"
  | "information"
  | "warning"
  | "error"
  | "critical"
  | "none";

/** A function as the library registers it: bindings by name, `retryOptions` null or an object. */
export interface CoreMetadata {
  readonly name: string;
  readonly bindings: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly retryOptions?: unknown;
}

export type FunctionCallback = (...parameters: unknown[]) => unknown;

/** What the library is given for one invocation. `state` tells it whether a late `context.log` is a mistake. */
export interface CoreInvocation {
  readonly invocationId: string;
  readonly request: InvocationRequest;
  readonly metadata: CoreMetadata;
  state: "preInvocationHooks" | "invocation" | "postInvocationHooks" | undefined;
  log(level: CoreLogLevel, category: string, message: string): void;
}

export interface InvocationModel {
  getArguments(): Promise<{ readonly context: unknown; readonly inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<InvocationResponse>;
}

export interface ProgrammingModel {
  readonly name: string;
  readonly version: string;
  getInvocationModel(core: CoreInvocation): InvocationModel;
  getCapabilities(capabilities: Record<string, string>): Promise<Record<string, string>>;
}

export const hookNames = [
  "preInvocation",
  "postInvocation",
  "appStart",
  "appTerminate",
  "log",
] as const;
export type HookName = (typeof hookNames)[number];
type HookCallback = (context: Record<string, unknown>) => unknown;

export interface Registration {
  readonly metadata: CoreMetadata;
  readonly callback: FunctionCallback;
}

/** The library tells faults of the platform from faults of the app by this mark. */
class CoreError extends Error {
  override readonly name: string = "CoreError";
  readonly isAzureFunctionsSystemError = true;
}

class CoreRangeError extends RangeError {
  // The name is part of the contract: the library compares it with "RangeError".
  override readonly name = "RangeError";
  readonly isAzureFunctionsSystemError = true;
}

class Disposable {
  static from(...disposables: { dispose(): unknown }[]): Disposable {
    return new Disposable(() => {
      for (const disposable of disposables) disposable.dispose();
    });
  }

  #onDispose: (() => void) | undefined;

  constructor(onDispose: () => void) {
    this.#onDispose = onDispose;
  }

  dispose(): void {
    this.#onDispose?.();
    this.#onDispose = undefined;
  }
}

/** What the app has told the host through `@azure/functions-core`, and the way to answer for that module. */
export class FunctionsCore {
  readonly registrations = new Map<string, Registration>();
  /** Hook data shared by all invocations and the app's own hooks. */
  readonly appHookData: Record<string, unknown> = {};
  readonly #hooks = new Map<HookName, HookCallback[]>(hookNames.map((name) => [name, []]));
  readonly #log: HostLog;
  readonly #onRegister: (metadata: CoreMetadata) => void;
  #model: ProgrammingModel | undefined;
  #isLocked = false;

  constructor(log: HostLog, onRegister: (metadata: CoreMetadata) => void = () => {}) {
    this.#log = log;
    this.#onRegister = onRegister;
  }

  get model(): ProgrammingModel | undefined {
    return this.#model;
  }

  /** From now on `registerFunction` refuses. */
  lock(): void {
    this.#isLocked = true;
  }

  /** Runs the hooks of one name in the order they were registered; the first that throws ends it. */
  async runHooks(name: HookName, context: Record<string, unknown>): Promise<void> {
    for (const hook of this.#hooks.get(name) ?? []) await hook(context);
  }

  /** Lets the log hooks rewrite level and message, then hands the line to the host's log. */
  log(
    level: CoreLogLevel,
    category: string,
    message: string,
    about: Readonly<Record<string, unknown>> & { readonly prefix?: string } = {},
  ): void {
    const { prefix = "", ...invocation } = about;
    const line = { hookData: {}, ...invocation, level, category, message };
    for (const hook of this.#hooks.get("log") ?? []) hook(line);
    const hostLevel = hostLevels[line.level];
    if (hostLevel) this.#log(hostLevel, `${prefix}${line.message}`);
  }

  /** The module `@azure/functions-core`, as an app sees it. */
  readonly api = {
    version: WORKER_VERSION,
    hostVersion: HOST_VERSION,
    Disposable,
    registerFunction: (metadata: CoreMetadata, callback: FunctionCallback) =>
      this.#register(metadata, callback),
    registerHook: (name: string, callback: HookCallback) => this.#registerHook(name, callback),
    setProgrammingModel: (model: ProgrammingModel) => {
      this.#model = model;
    },
    getProgrammingModel: () => this.#model,
    log: (level: CoreLogLevel, category: string, message: string) =>
      this.log(level, category, message),
  };

  #register(metadata: CoreMetadata, callback: FunctionCallback): Disposable {
    if (this.#isLocked) {
      throw new CoreError("A function can only be registered during app startup.");
    }
    const { name } = metadata;
    if (this.registrations.has(name)) {
      throw new CoreError(`A function with id "${name}" has already been registered.`);
    }
    this.registrations.set(name, { metadata, callback });
    this.#onRegister(metadata);
    return new Disposable(() => this.registrations.delete(name));
  }

  #registerHook(name: string, callback: HookCallback): Disposable {
    const known = hookNames.find((hookName) => hookName === name);
    const hooks = known && this.#hooks.get(known);
    if (!hooks) throw new CoreRangeError(`Unrecognized hook "${name}"`);
    hooks.push(callback);
    return new Disposable(() => hooks.splice(hooks.indexOf(callback), 1));
  }
}

const hostLevels: Readonly<Record<CoreLogLevel, Parameters<HostLog>[0] | undefined>> = {
  trace: "debug",
  debug: "debug",
  information: "information",
  warning: "warning",
  error: "error",
  critical: "error",
  none: undefined,
};

/**
 * Answers `require("@azure/functions-core")` anywhere in this process with the given core. `@azure/functions` is
 * CommonJS and keeps the first answer for good, so this comes before the first import of app code and serves one app
 * per process.
 */
export function installCore(core: FunctionsCore): void {
  Module.prototype.require = new Proxy(Module.prototype.require, {
    apply: (target, self, parameters) =>
      parameters[0] === "@azure/functions-core"
        ? core.api
        : Reflect.apply(target, self, parameters),
  });
}
