import type { CoreMetadata } from "./functions-core.ts";

/**
 * Finds the HTTP functions whose registration says nothing about `authLevel`. The metadata cannot tell: `app.http`
 * fills in "anonymous", and in a bundle there is no `@azure/functions` to wrap. But the library reads
 * `options.authLevel`, and a read of a property that an object does not have of its own reaches `Object.prototype`:
 * while the app loads, an accessor there takes note.
 */
export class AuthLevelWatch {
  readonly missing = new Set<string>();
  #askedInVain: object | undefined;

  /** Runs `load` under watch; `note` has to be told of each registration meanwhile. */
  async during<T>(load: () => Promise<T>): Promise<T> {
    const watch = this;
    Object.defineProperty(Object.prototype, "authLevel", {
      configurable: true,
      enumerable: false,
      get(this: object): undefined {
        watch.#askedInVain = this;
      },
      // Without it, assigning `authLevel` on any object would throw meanwhile.
      set(this: object, value: unknown) {
        Object.defineProperty(this, "authLevel", {
          value,
          configurable: true,
          enumerable: true,
          writable: true,
        });
      },
    });
    try {
      return await load();
    } finally {
      Reflect.deleteProperty(Object.prototype, "authLevel");
    }
  }

  /** The library reads the options right before it registers, so what was asked last in vain belongs to this function. */
  note(metadata: CoreMetadata): void {
    const asked = this.#askedInVain;
    this.#askedInVain = undefined;
    const trigger = Object.values(metadata.bindings).find(({ type }) => type === "httpTrigger");
    if (asked && trigger && isMadeFrom(trigger, asked)) this.missing.add(metadata.name);
  }
}

/** False when something else than the library asked an unrelated object for its `authLevel`. */
function isMadeFrom(trigger: Readonly<Record<string, unknown>>, options: object): boolean {
  return Object.entries(options).every(
    ([key, value]) => value === undefined || trigger[key] === value,
  );
}
