import { idKey, resourceName } from "../../src/policy/resource-id.ts";
import type { Clock, GateReading, Progress, WriteOutcome } from "../../src/ports.ts";
import { changedFirewall, isFirewallChange } from "../../src/rules/changed-gate.ts";
import { type Firewall, type FirewallRule, firewallLimits } from "../../src/rules/firewall.ts";
import type { GateRule } from "../../src/rules/gate.ts";
import type { RuleChange } from "../../src/rules/nsg-plan.ts";

/** How a write of a firewall that was started ends. */
export type UpdateEnd = Exclude<Progress, { readonly outcome: "running" }>;

/** Firewalls of values in memory. As Azure's: an update takes its time, one at a time, and nobody is told when it ends. */
export interface FakeFirewalls {
  /** Creates the firewall, or replaces it; everything in it is in effect. */
  addFirewall(firewall: Firewall): void;
  firewallRules(gateId: string): readonly FirewallRule[];
  /** What lets traffic through and holds it at this moment: rules of an update that is under way, or failed, are not among it. */
  rulesInEffect(gateId: string): readonly FirewallRule[];
  /** What a customer does behind our back, in effect at once. */
  editFirewall(
    gateId: string,
    change: (rules: readonly FirewallRule[]) => readonly FirewallRule[],
  ): void;
  /** Somebody else's update begins, as long as ours are: until it is over, every write of ours meets another operation. */
  beginForeignUpdate(gateId: string): void;
  isUpdating(gateId: string): boolean;
  /** The next updates that are started end like this; one each. What was asked can be read all the same, and is not in effect. */
  failUpdates(...ends: readonly UpdateEnd[]): void;
  /** Ends every update that is under way, as it would have ended by itself. */
  finishUpdates(): void;
  /** Updates under way can no longer be asked about. */
  loseOperations(): void;
  /** The firewalls of which updates of ours were started, oldest first. */
  readonly updates: readonly string[];
  /** What came into effect, and when (milliseconds since 1970), oldest first. */
  readonly effects: readonly Effect[];
}

/** From `at` on these rules were in effect on a firewall. */
export interface Effect {
  readonly gateId: string;
  readonly at: number;
  readonly rules: readonly FirewallRule[];
}

export interface FakeFirewallOptions {
  /** Updates end by this clock, `updateMs` after their begin; without one only when they are told to. */
  readonly clock?: Pick<Clock, "now"> | undefined;
  /** @default 240000 */
  readonly updateMs?: number | undefined;
}

interface Update {
  readonly token: string;
  readonly endsAt: number;
  readonly end: UpdateEnd;
}

interface State {
  firewall: Firewall;
  inEffect: readonly FirewallRule[];
  revision: number;
  isFailed: boolean;
  running: Update | undefined;
  /** How updates ended that are over, by their tokens. */
  readonly ends: Map<string, UpdateEnd>;
}

const written: UpdateEnd = { outcome: "written" };
const changed = (detail: string): UpdateEnd => ({
  outcome: "changed",
  detail,
  retryAfterMs: 1_000,
});
/** Between two looks at an update. */
const lookAgainMs = 10_000;

/** The part of the fake network that is about firewalls; `keyOf` makes the key under which a gate is known. */
export function createFakeFirewalls(
  { clock, updateMs = 240_000 }: FakeFirewallOptions,
  keyOf: (id: string) => string,
) {
  const states = new Map<string, State>();
  const failures: UpdateEnd[] = [];
  const updates: string[] = [];
  const effects: Effect[] = [];
  let tokens = 0;
  let isLost: (token: string) => boolean = () => false;
  const now = () => clock?.now().getTime() ?? 0;

  /** The firewall once every update that is over by now has ended. */
  function stateOf(gateId: string): State | undefined {
    const state = states.get(idKey(gateId));
    if (state?.running !== undefined && clock !== undefined && state.running.endsAt <= now()) {
      finish(state, state.running);
    }
    return state;
  }

  function known(gateId: string): State {
    const state = stateOf(gateId);
    if (state === undefined) {
      throw new Error(`The test knows no firewall ${gateId}.`);
    }
    return state;
  }

  function finish(state: State, { token, end, endsAt }: Update): void {
    state.running = undefined;
    state.revision += 1;
    state.isFailed = end.outcome !== "written";
    state.inEffect = state.isFailed ? state.inEffect : state.firewall.rules;
    state.ends.set(token, end);
    takeEffect(state, Math.min(endsAt, now()));
  }

  function takeEffect({ firewall: { id: gateId }, inEffect: rules }: State, at: number): void {
    effects.push({ gateId, at, rules });
  }

  function begin(state: State, end: UpdateEnd): string {
    tokens += 1;
    const token = `update-${tokens}`;
    state.running = { token, endsAt: now() + updateMs, end };
    state.revision += 1;
    return token;
  }

  function write(reading: GateReading, changes: readonly RuleChange<GateRule>[]): WriteOutcome {
    const { id } = reading.gate;
    const state = stateOf(id);
    if (state === undefined) {
      return refusal("GateNotFound", id, "ResourceNotFound");
    }
    if (state.running !== undefined) {
      return changed("AnotherOperationInProgress");
    }
    if (reading.etag !== etagOf(state)) {
      return changed("PreconditionFailedEtagMismatch");
    }
    const { rules } = changedFirewall(state.firewall, changes.filter(isFirewallChange));
    const fault = faultOf({ ...state.firewall, rules });
    if (fault !== undefined) {
      return fault;
    }
    state.firewall = { ...state.firewall, rules };
    updates.push(id);
    return { outcome: "started", operation: begin(state, failures.shift() ?? written) };
  }

  function progress(gateId: string, token: string): Progress {
    const state = stateOf(gateId);
    if (state?.running?.token === token && !isLost(token)) {
      const left = state.running.endsAt - now();
      const retryAfterMs = clock === undefined ? lookAgainMs : Math.min(lookAgainMs, left);
      return { outcome: "running", retryAfterMs };
    }
    return (
      (isLost(token) ? undefined : state?.ends.get(token)) ?? changed("The operation is lost.")
    );
  }

  const steps: FakeFirewalls = {
    addFirewall(firewall) {
      const state: State = {
        firewall,
        inEffect: firewall.rules,
        revision: 1,
        isFailed: false,
        running: undefined,
        ends: new Map(),
      };
      states.set(keyOf(firewall.id), state);
      takeEffect(state, now());
    },
    firewallRules: (gateId) => known(gateId).firewall.rules,
    rulesInEffect: (gateId) => known(gateId).inEffect,
    editFirewall(gateId, change) {
      const state = known(gateId);
      state.firewall = { ...state.firewall, rules: change(state.firewall.rules) };
      state.inEffect = change(state.inEffect);
      state.revision += 1;
      takeEffect(state, now());
    },
    beginForeignUpdate: (gateId) => void begin(known(gateId), written),
    isUpdating: (gateId) => known(gateId).running !== undefined,
    failUpdates: (...ends) => void failures.push(...ends),
    finishUpdates() {
      for (const state of states.values()) {
        if (state.running !== undefined) {
          finish(state, state.running);
        }
      }
    },
    loseOperations() {
      const known = tokens;
      isLost = (token) => Number(token.replace("update-", "")) <= known;
    },
    updates,
    effects,
  };
  const readings = () =>
    [...states].map(([key, state]) => [key, readingOf(stateOf(key) ?? state)] as const);
  return {
    steps,
    write,
    progress,
    has: (gateId: string) => states.has(idKey(gateId)),
    remove: (gateId: string) => states.delete(idKey(gateId)),
    read(gateId: string): GateReading | undefined {
      const state = stateOf(gateId);
      return state && readingOf(state);
    },
    readings,
  };
}

const etagOf = ({ revision }: State): string => `W/"${revision}"`;

function readingOf(state: State): GateReading {
  const { firewall, running, isFailed } = state;
  return {
    gate: firewall,
    etag: etagOf(state),
    isUpdating: running !== undefined,
    ...(isFailed ? { isFailed } : {}),
    raw: firewall,
  };
}

/** What Azure refuses at once. */
function faultOf(firewall: Firewall): UpdateEnd | undefined {
  if (dnatCount(firewall) > firewallLimits.dnat) {
    return refusal("GateFull", firewall.id, "too many DNAT destinations");
  }
  const places = new Map<string, string>();
  for (const { kind, order, collection } of firewall.rules) {
    const place = `${kind} ${order.join(".")}`;
    const other = places.get(place) ?? collection;
    if (other.toLowerCase() !== collection.toLowerCase()) {
      return refusal(
        "GateNotWritable",
        firewall.id,
        `collections '${other}' and '${collection}' have the same priority`,
      );
    }
    places.set(place, collection);
  }
  return undefined;
}

/** Public addresses and unique destinations of DNAT rules together, TCP and UDP apart. */
function dnatCount({ rules, publicAddresses }: Firewall): number {
  const destinations = rules
    .filter(({ kind }) => kind === "dnat")
    .flatMap(({ destinations, destinationPorts, protocols }) =>
      destinations.flatMap((address) =>
        destinationPorts.flatMap((port) =>
          protocols.map((protocol) => `${address} ${port} ${protocol.toLowerCase()}`),
        ),
      ),
    );
  return publicAddresses.length + new Set(destinations).size;
}

function refusal(
  code: "GateFull" | "GateNotFound" | "GateNotWritable",
  gateId: string,
  why: string,
): UpdateEnd {
  const message = `Azure refuses the write to '${resourceName(gateId)}': ${why}`;
  return { outcome: "refused", reason: { code, message, target: gateId } };
}
