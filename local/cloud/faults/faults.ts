import { jsonObject } from "../answers.ts";
import type { Operations } from "../operations.ts";
import type { CloudRequest, CloudResponse, Route } from "../router.ts";
import { type Fault, type FaultOrder, matches, parseFault } from "./fault.ts";
import type { ResourcesWithPast } from "./past.ts";
import { concerns, type Handle, strike } from "./strike.ts";

/** A fault with how often it has struck. It is spent when that is as often as it should, and stays listed until cleared. */
export type ArmedFault = Fault & { readonly struck: number };

/** Troubles of Azure on demand. In memory only: a restart of the cloud clears them. */
export interface Faults {
  /** Of several faults that fit a request, the one armed first and not yet spent strikes, alone. */
  arm(order: FaultOrder): ArmedFault;
  /** Forgets all faults; operations that never end go on to their end, and answers that are held back go out. */
  clear(): void;
  /** In the order of arming. */
  armed(): readonly ArmedFault[];
  /** Handles the request, with the fault that fits it if there is one. `url` is path and query as sent. */
  through(request: CloudRequest, url: string, handle: Handle): Promise<CloudResponse>;
  /** `POST /local/faults` arms one, `GET` lists, `DELETE` clears; none needs a token. */
  readonly routes: readonly Route[];
}

/** NB. Faults strike behind the token check and ARM's throttling: whoever may not ask is refused as ever. */
export function createFaults(cloud: {
  readonly resources: ResourcesWithPast;
  readonly operations: Operations;
}): Faults {
  let all: { readonly fault: Fault; struck: number }[] = [];
  let clearing = new AbortController();

  const view = ({ fault, struck }: { fault: Fault; struck: number }) => ({ ...fault, struck });
  const armed = () => all.map(view);

  function arm(order: unknown): ArmedFault {
    const added = { fault: parseFault(order), struck: 0 };
    all.push(added);
    return view(added);
  }

  function clear(): void {
    all = [];
    cloud.operations.release();
    clearing.abort();
    clearing = new AbortController();
  }

  async function through(request: CloudRequest, url: string, handle: Handle) {
    const { method } = request;
    const found = all.find(
      ({ fault, struck }) =>
        (fault.times === "always" || struck < fault.times) &&
        concerns(fault.kind, method) &&
        matches(fault, { method, url }),
    );
    if (found === undefined) return await handle();
    found.struck += 1;
    return await strike(found.fault, {
      request,
      handle,
      resources: cloud.resources,
      cleared: clearing.signal,
      missed: () => {
        found.struck -= 1;
      },
    });
  }

  const route = (method: string, handle: Route["handle"]): Route => ({
    method,
    path: "/local/faults",
    needsArmToken: false,
    handle,
  });
  return {
    arm,
    clear,
    armed,
    through,
    routes: [
      route("GET", () => ({ status: 200, body: { value: armed() } })),
      route("POST", (request) => ({ status: 201, body: arm(jsonObject(request)) })),
      route("DELETE", () => {
        clear();
        return { status: 204 };
      }),
    ],
  };
}
