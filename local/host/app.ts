/**
 * What the parts of the local host tell each other: the functions the app registered and how one of them is invoked.
 * Shapes are those of the Functions host's worker protocol, as `@azure/functions` 4.16 reads and writes them.
 */

/** One binding as registered: `type`, `direction` and the options of that type (`route`, `schedule`, `authLevel`, …). */
export interface Binding {
  readonly type: string;
  readonly name: string;
  readonly direction: "in" | "out" | "inout";
  readonly [option: string]: unknown;
}

/** One registered function; `trigger` is the binding whose type ends in "Trigger", under its own name. */
export interface RegisteredFunction {
  readonly name: string;
  readonly trigger: Binding;
  readonly bindings: readonly Binding[];
}

/** A value on the worker protocol's wire; exactly one member is set, none means "no value". */
export interface TypedData {
  readonly string?: string;
  readonly json?: string;
  readonly bytes?: Uint8Array;
  readonly int?: number;
  readonly double?: number;
  readonly http?: unknown;
}

export interface ParameterBinding {
  readonly name: string;
  readonly data: TypedData;
}

export interface InvocationRequest {
  readonly inputData: readonly ParameterBinding[];
  readonly triggerMetadata?: Readonly<Record<string, TypedData>>;
}

export interface InvocationResponse {
  readonly invocationId: string;
  readonly outputData: readonly ParameterBinding[];
  readonly returnValue?: TypedData;
}

/** The loaded app. `invoke` rejects with what the function threw; input bindings beside the trigger are filled in by it. */
export interface App {
  readonly functions: ReadonlyMap<string, RegisteredFunction>;
  invoke(name: string, request: InvocationRequest): Promise<InvocationResponse>;
}

/** Time as the host sees it: real, or virtual in tests. */
export interface HostClock {
  now(): Date;
  /** Calls back once at or after `at`, never earlier. The answer cancels it. Copes with any distance. */
  at(at: Date, callback: () => void): () => void;
}

/** One line of the host's own log. */
export type HostLog = (
  level: "debug" | "information" | "warning" | "error",
  message: string,
) => void;
