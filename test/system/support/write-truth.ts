import type { GateFact, User } from "../user.ts";

/** What Azure Resource Manager was sent. */
interface Sent {
  readonly time: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly body?: unknown;
}

/** Rules of ours on a gate that were put or taken away, and when. */
interface SeenChange {
  readonly at: number;
  readonly gate: string;
  readonly rule: string;
}

/**
 * Every change of our rules on groups, as Azure Resource Manager was sent it, against what the audit tells: no change is without a
 * fact that told it before, and no fact tells of rules that never were. NB. What was sent right before the cloud was killed
 * is not known.
 */
export class WriteTruth {
  readonly #user: User;
  readonly #sent = new Map<string, Sent>();
  /** Names of our rules that were ever put on a gate, or seen there. */
  readonly #ever = new Set<string>();

  constructor(user: User) {
    this.#user = user;
  }

  /** Takes what was sent until now: before the cloud, which remembers it, is killed. */
  async take(): Promise<void> {
    const [sent, groups] = await Promise.all([this.#user.armRequests(), this.#user.nsgs()]);
    for (const one of sent.filter(({ method }) => method === "PUT" || method === "DELETE")) {
      this.#sent.set(JSON.stringify([one.time, one.method, one.path]), one);
    }
    for (const { id, properties } of groups) {
      for (const { name } of properties.securityRules.filter(isOurs)) {
        this.#ever.add(keyOf(id, name));
      }
    }
  }

  /** How many changes were seen: to know that there was anything to tell. */
  get changes(): number {
    return this.#changes().length;
  }

  /** What is changed and was not told before, and what is told and never was; a sentence each. */
  wrongsIn(facts: readonly GateFact[]): readonly string[] {
    const changes = this.#changes();
    for (const { gate, rule } of changes) {
      this.#ever.add(keyOf(gate, rule));
    }
    const asked = new Map<string, number>();
    for (const { at, gates = [] } of facts.filter(isWrite("asked"))) {
      for (const key of gates.flatMap(({ id, rules }) => rules.map((rule) => keyOf(id, rule)))) {
        asked.set(key, Math.min(asked.get(key) ?? Number.POSITIVE_INFINITY, Date.parse(at)));
      }
    }
    const untold = changes.filter(
      ({ at, gate, rule }) => !((asked.get(keyOf(gate, rule)) ?? Number.POSITIVE_INFINITY) <= at),
    );
    const claims = facts.filter(
      (fact) => isWrite("done")(fact) || `${fact.operation} ${fact.outcome}` === "access.open done",
    );
    const invented = claims.flatMap((fact) =>
      (fact.gates ?? []).flatMap(({ id, rules }) =>
        rules
          .filter((rule) => !this.#ever.has(keyOf(id, rule)))
          .map((rule) => `${fact.id} tells of ${rule}, which never was on ${id}`),
      ),
    );
    return [
      ...untold.map(
        ({ at, gate, rule }) => `${new Date(at).toISOString()}: ${rule} of ${gate} was not told`,
      ),
      ...invented,
      ...unansweredWrites(facts),
    ];
  }

  /** In order of time; of a whole group what differs from what was sent of it before. */
  #changes(): readonly SeenChange[] {
    const own = new Map<string, ReadonlyMap<string, string>>();
    const sent = [...this.#sent.values()].toSorted((one, other) =>
      one.time < other.time ? -1 : 1,
    );
    return sent.flatMap(({ time, path, body }) => {
      const [, gate = "", rule] = groupPath.exec(path) ?? [];
      if (gate === "") {
        return [];
      }
      if (rule !== undefined) {
        return rule.startsWith("JitAccess-") ? [{ at: Date.parse(time), gate, rule }] : [];
      }
      const before = own.get(gate.toLowerCase()) ?? new Map();
      const after = ownRules(body);
      own.set(gate.toLowerCase(), after);
      return [...new Set([...before.keys(), ...after.keys()])]
        .filter((name) => before.get(name) !== after.get(name))
        .map((name) => ({ at: Date.parse(time), gate, rule: name }));
    });
  }
}

/** Writes that were told as asked for, and of which nobody told what became of them. */
export function unansweredWrites(facts: readonly GateFact[]): readonly string[] {
  const nameOf = ({ id, outcome }: GateFact) => id.replace(`.${outcome}.`, ".");
  const answered = new Set(
    facts.filter((fact) => isWrite("done")(fact) || isWrite("failed")(fact)).map(nameOf),
  );
  return facts
    .filter((fact) => isWrite("asked")(fact) && !answered.has(nameOf(fact)))
    .map((fact) => `nobody told what became of ${nameOf(fact)}`);
}

const isWrite =
  (wanted: string) =>
  ({ operation, outcome }: GateFact): boolean =>
    operation === "gate.write" && outcome === wanted;

const groupPath =
  /^(\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Network\/networkSecurityGroups\/[^/?]+)(?:\/securityRules\/([^/?]+))?(?:\?|$)/i;

const keyOf = (gate: string, rule: string): string => `${gate} ${rule}`.toLowerCase();

const isOurs = ({ name }: { readonly name: string }): boolean => name.startsWith("JitAccess-");

/** Our rules in the body of a whole group, as text by name. */
function ownRules(body: unknown): ReadonlyMap<string, string> {
  const { properties } = Object(body) as {
    readonly properties?: { readonly securityRules?: readonly { readonly name: string }[] };
  };
  const own = (properties?.securityRules ?? []).filter(isOurs);
  return new Map(own.map((rule) => [rule.name, JSON.stringify(Object(rule).properties)]));
}
