import { randomUUID } from "node:crypto";
import type {
  App,
  Binding,
  InvocationRequest,
  InvocationResponse,
  ParameterBinding,
  RegisteredFunction,
  TypedData,
} from "./app.ts";
import type {
  CoreInvocation,
  FunctionCallback,
  FunctionsCore,
  InvocationModel,
  Registration,
} from "./functions-core.ts";

/** What an input binding beside the trigger gets, or undefined when the host does not know its type. */
export type InputSource = (binding: Binding) => TypedData | undefined;

/** The registered functions, ready to be invoked; counts what is running so that a stop can wait for it. */
export class LoadedApp implements App {
  readonly functions: ReadonlyMap<string, RegisteredFunction>;
  readonly #core: FunctionsCore;
  readonly #inputs: InputSource;
  readonly #running = new Set<Promise<unknown>>();

  constructor(core: FunctionsCore, inputs: InputSource) {
    this.#core = core;
    this.#inputs = inputs;
    this.functions = new Map(
      [...core.registrations].map(([name, { metadata }]) => [name, describe(metadata)]),
    );
  }

  /** Resolves when nothing runs any more, whatever the outcomes were. */
  async quiet(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  async invoke(name: string, request: InvocationRequest): Promise<InvocationResponse> {
    const registration = this.#core.registrations.get(name);
    const known = this.functions.get(name);
    if (!registration || !known) throw new Error(`There is no function named "${name}".`);
    const inputData = [...request.inputData, ...this.#extraInputs(known, request)];
    const running = this.#run(registration, { ...request, inputData });
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  #extraInputs(known: RegisteredFunction, request: InvocationRequest): ParameterBinding[] {
    const given = new Set(request.inputData.map((input) => input.name));
    return known.bindings
      .filter((binding) => binding !== known.trigger && binding.direction !== "out")
      .filter((binding) => !given.has(binding.name))
      .map((binding) => ({ name: binding.name, data: this.#inputs(binding) ?? {} }));
  }

  /** The order of these steps is that of the Node.js worker: hooks may replace inputs, handler, result and error. */
  async #run(registration: Registration, request: InvocationRequest): Promise<InvocationResponse> {
    const core = this.#core;
    if (!core.model) throw new Error("The app has not set a programming model.");
    const invocation = this.#begin(registration, request);
    const model = core.model.getInvocationModel(invocation.core);
    const { context, inputs } = await model.getArguments();
    invocation.context = context;
    const hookContext = {
      hookData: invocation.hookData,
      appHookData: core.appHookData,
      invocationContext: context,
    };

    invocation.core.state = "preInvocationHooks";
    const before = { ...hookContext, inputs, functionCallback: registration.callback };
    await core.runHooks("preInvocation", before);

    invocation.core.state = "invocation";
    const outcome = await settle(model, context, before.inputs, before.functionCallback);

    invocation.core.state = "postInvocationHooks";
    const after = { ...hookContext, inputs: before.inputs, ...outcome };
    await core.runHooks("postInvocation", after);
    invocation.core.state = undefined;

    if (after.error !== undefined && after.error !== null) throw after.error;
    const response = await model.getResponse(context, after.result);
    return withoutNulls(response);
  }

  #begin(
    { metadata }: Registration,
    request: InvocationRequest,
  ): { core: CoreInvocation; hookData: Record<string, unknown>; context: unknown } {
    const started = {
      hookData: {},
      context: undefined as unknown,
      core: {
        invocationId: randomUUID(),
        request,
        metadata,
        state: undefined,
        log: (level, category, message) =>
          this.#core.log(level, category, message, {
            prefix: `${metadata.name}: `,
            hookData: started.hookData,
            appHookData: this.#core.appHookData,
            invocationContext: started.context,
          }),
      } satisfies CoreInvocation as CoreInvocation,
    };
    return started;
  }
}

async function settle(
  model: InvocationModel,
  context: unknown,
  inputs: unknown[],
  callback: FunctionCallback,
): Promise<{ result?: unknown; error?: unknown }> {
  try {
    return { result: await model.invokeFunction(context, inputs, callback), error: undefined };
  } catch (error) {
    // `throw undefined` is a failure too.
    return { result: undefined, error: error ?? new Error("The function threw no error object.") };
  }
}

/** The library answers null where it means "no value". */
function withoutNulls(response: InvocationResponse): InvocationResponse {
  const { returnValue, ...rest } = response;
  return returnValue ? { ...rest, returnValue } : rest;
}

function describe(metadata: Registration["metadata"]): RegisteredFunction {
  const bindings = Object.entries(metadata.bindings).map(([name, options]) => {
    const { type, direction } = options;
    return { ...options, type: String(type), name, direction: direction as Binding["direction"] };
  });
  // Binding names carry a hash of the options; the type is what tells the trigger.
  const trigger = bindings.find((binding) => /trigger$/i.test(binding.type));
  if (!trigger) throw new Error(`Function "${metadata.name}" has no trigger.`);
  return { name: metadata.name, trigger, bindings };
}
