import type { DurableStore } from "../../../../../local/host/durable/store.ts";

/** A store as a process sees it that is killed: after so many calls nothing is answered any more. */
export function dyingStore(
  store: DurableStore,
  death: { readonly afterCalls: number; readonly lastCallIsDone: boolean },
): { readonly store: DurableStore; readonly died: Promise<void> } {
  let calls = 0;
  let die = () => {};
  const died = new Promise<void>((resolve) => {
    die = resolve;
  });
  const never = new Promise<never>(() => {});
  const answer = async (call: () => Promise<unknown>) => {
    calls++;
    if (calls <= death.afterCalls) return await call();
    if (calls === death.afterCalls + 1 && death.lastCallIsDone) await call();
    die();
    return await never;
  };
  const mortal = new Proxy(store, {
    get: (target, name, self) => {
      const method: unknown = Reflect.get(target, name, self);
      if (typeof method !== "function") return method;
      return (...parameters: unknown[]) => answer(() => Reflect.apply(method, target, parameters));
    },
  });
  return { store: mortal, died };
}
