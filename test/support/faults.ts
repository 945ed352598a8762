/**
 * What happens at one call of a story: it fails; it takes effect but its answer is lost; from it on nothing answers;
 * the process dies just before or just after it.
 */
export const faultKinds = [
  "fails",
  "loses its answer",
  "goes down",
  "dies before",
  "dies after",
] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface PlannedFault {
  /** Counts the calls from 1. */
  readonly at: number;
  readonly kind: FaultKind;
}

/** Counts the calls that go to ports, and lets one of them go wrong. */
export interface Faults {
  through<T extends object>(name: string, port: T): T;
  /** Such as `gates.read`, in order. */
  readonly calls: readonly string[];
  readonly hasStruck: boolean;
}

/** The fault of the test; as a fault of storage or network that nobody foresaw. */
class PlannedOutage extends Error {
  override readonly name = "PlannedOutage";
}

type Method = (...args: unknown[]) => Promise<unknown>;

/** What becomes of the call in that place, counted from 1. */
type OnCall = (place: number, name: string, method: () => Promise<unknown>) => Promise<unknown>;

export function createFaults(planned?: PlannedFault): Faults {
  return watched(planned?.at, (place, name, method) => {
    if (planned === undefined || place < planned.at) {
      return method();
    }
    return place === planned.at
      ? strike(planned.kind, name, method)
      : afterwards(planned.kind, name, method);
  });
}

/** Nothing fails, but right before one of the calls somebody else does something. */
export function createInterruption(at: number, act: () => Promise<unknown>): Faults {
  return watched(at, async (place, _name, method) => {
    if (place === at) {
      await act();
    }
    return method();
  });
}

function watched(at: number | undefined, onCall: OnCall): Faults {
  const calls: string[] = [];

  async function call(name: string, method: () => Promise<unknown>): Promise<unknown> {
    calls.push(name);
    return onCall(calls.length, name, method);
  }

  return {
    calls,
    get hasStruck() {
      return at !== undefined && calls.length >= at;
    },
    through: (name, port) =>
      new Proxy(port, {
        get(target, key) {
          const member: unknown = Reflect.get(target, key);
          if (typeof member !== "function") {
            return member;
          }
          const called = `${name}.${String(key)}`;
          // What is read as it is asked for: its beginning counts as the call.
          return isGenerator(member)
            ? async function* (...args: unknown[]) {
                const items = await call(called, async () => member.apply(target, args));
                yield* items as AsyncIterable<unknown>;
              }
            : (...args: unknown[]) => call(called, () => (member as Method).apply(target, args));
        },
      }),
  };
}

function isGenerator(
  member: object,
): member is (...args: readonly unknown[]) => AsyncIterable<unknown> {
  return Object.prototype.toString.call(member) === "[object AsyncGeneratorFunction]";
}

async function strike(
  kind: FaultKind,
  name: string,
  method: () => Promise<unknown>,
): Promise<unknown> {
  if (kind === "loses its answer" || kind === "dies after") {
    await method();
  }
  return kind.startsWith("dies") ? forever() : outage(name);
}

function afterwards(
  kind: FaultKind,
  name: string,
  method: () => Promise<unknown>,
): Promise<unknown> {
  if (kind.startsWith("dies")) {
    return forever();
  }
  return kind === "goes down" ? outage(name) : method();
}

const forever = (): Promise<never> => new Promise(() => undefined);

async function outage(name: string): Promise<never> {
  throw new PlannedOutage(`${name} did not answer`);
}
