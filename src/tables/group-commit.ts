/** One caller of a group: what it wants, and how it is told. */
export interface Waiting<Input, Answer> {
  readonly input: Input;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Lets changes of one key that come while another is under way go together in the next: of many at once the first goes alone, the
 * rest as one group. `commit` tells each waiting caller; what it throws goes to all of them.
 */
export function groupCommit<Input, Answer>(
  commit: (key: string, group: readonly Waiting<Input, Answer>[]) => Promise<void>,
): (key: string, input: Input) => Promise<Answer> {
  /** A key is present while its changes are being worked off. */
  const queues = new Map<string, Waiting<Input, Answer>[]>();

  function take(key: string): readonly Waiting<Input, Answer>[] {
    const group = queues.get(key) ?? [];
    if (group.length === 0) {
      queues.delete(key);
    } else {
      queues.set(key, []);
    }
    return group;
  }

  async function workOff(key: string): Promise<void> {
    for (let group = take(key); group.length > 0; group = take(key)) {
      try {
        await commit(key, group);
      } catch (error) {
        for (const waiting of group) {
          waiting.reject(error);
        }
      }
    }
  }

  return (key, input) =>
    new Promise((resolve, reject) => {
      const waiting = { input, resolve, reject };
      const queue = queues.get(key);
      if (queue !== undefined) {
        queue.push(waiting);
        return;
      }
      queues.set(key, [waiting]);
      void workOff(key);
    });
}
