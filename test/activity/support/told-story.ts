import type { AccessRequest, Window } from "../../../src/access/request.ts";
import { type EvidenceInput, evidenceOf } from "../../../src/activity/evidence.ts";
import type { EvidencePolicy } from "../../../src/activity/evidence-document.ts";
import type { Fact } from "../../../src/activity/fact.ts";
import type { FiledFact } from "../../../src/activity/store.ts";
import {
  aFact,
  afterNoon,
  alice,
  anAccessRequest,
  aPolicy,
  aWindow,
  requestId,
  subscriptionId,
} from "../../support/builders.ts";

export const gateId =
  `/subscriptions/${subscriptionId}/resourceGroups/shop/providers/Microsoft.Network/networkSecurityGroups/nsg-subnet`.toLowerCase();

/** The name of a window's allow rule. */
export const ruleFor = (windowId: string): string => `JitAccess-37a8ee-Allow-${windowId}-v4`;

export const windowId = `${requestId}-0-22`;

/** Open from five seconds after noon for ten minutes. */
export const closedWindow = (values: Partial<Window> = {}): Window =>
  aWindow({
    state: "closed",
    gates: [gateId],
    openedAt: afterNoon(6),
    closedAt: afterNoon(606),
    endReason: "Expired",
    closesAt: afterNoon(600),
    ...values,
  });

export const aRequest = (values: Partial<AccessRequest> = {}): AccessRequest =>
  anAccessRequest({ windows: [closedWindow()], justification: "INC-4711", ...values });

/** A fact of the window, or of another window of the request. */
export const toldFact = (values: Partial<Fact> & Pick<Fact, "operation" | "outcome">): Fact =>
  aFact({
    id: `${values.windowId ?? windowId}.${values.operation}.${values.outcome}`,
    at: afterNoon(0),
    requestId,
    windowId,
    requestor: alice,
    ...values,
  });

/** A write on the gate, with what it changes: by rule the JSON before and after. */
export const aWrite = (
  second: number,
  outcome: Fact["outcome"],
  changes: NonNullable<Fact["changes"]>,
  { name, ...values }: Partial<Fact> & { readonly name?: number } = {},
): Fact => {
  const rules = changes.map(({ path }) => path);
  const readAt = outcome === "done" ? { readAt: afterNoon(second), etag: `W/"${second}"` } : {};
  const {
    requestId: _,
    windowId: __,
    requestor: ___,
    policyId: ____,
    ...told
  } = toldFact({
    operation: "gate.write",
    outcome,
    id: `gate.write.${name ?? second}.${outcome}.0`,
    at: afterNoon(second),
    // What became of it does not tell the changes again, but the rules that stand.
    ...(outcome === "asked" ? { changes } : {}),
    gates: [{ id: gateId, rules: outcome === "asked" ? rules : standing(changes), ...readAt }],
    ...values,
  });
  return told;
};

const standing = (changes: NonNullable<Fact["changes"]>): readonly string[] =>
  changes.flatMap(({ path, after }) => (after === undefined ? [] : path));

export const put = (rule: string) => ({ path: rule, after: '{"access":"Allow"}' });
export const take = (rule: string) => ({ path: rule, before: '{"access":"Allow"}' });

/** What is told of a window that is asked for at noon, open from second 5 on, and closed by second 605. */
export const wholeStory = (): readonly Fact[] => [
  toldFact({ operation: "access.initiate", outcome: "asked" }),
  aWrite(1, "asked", [put(ruleFor(windowId))]),
  aWrite(5, "done", [put(ruleFor(windowId))], { name: 1 }),
  toldFact({
    operation: "access.open",
    outcome: "done",
    at: afterNoon(6),
    gates: [{ id: gateId, rules: [ruleFor(windowId)], readAt: afterNoon(5), etag: 'W/"5"' }],
  }),
  toldFact({ operation: "access.close", outcome: "asked", at: afterNoon(600) }),
  aWrite(601, "asked", [take(ruleFor(windowId))]),
  aWrite(605, "done", [take(ruleFor(windowId))], { name: 601 }),
  toldFact({
    operation: "access.close",
    outcome: "done",
    at: afterNoon(606),
    gates: [{ id: gateId, rules: [], readAt: afterNoon(605), etag: 'W/"605"' }],
  }),
];

export const filed = (facts: readonly Fact[]): readonly FiledFact[] =>
  facts.map((fact, index) => ({
    fact,
    position: {
      chain: "2030-01/request|x",
      sequence: index + 1,
      hash: String(index).repeat(64).slice(0, 64),
    },
  }));

const unchanged: EvidencePolicy = {
  id: aPolicy().id,
  changedAt: aPolicy().changedAt,
  known: "unchanged",
  facts: [],
};

/** The evidence for somebody who may see all of it, an hour after noon. */
export function evidence(
  facts: readonly Fact[],
  { request = aRequest(), ...values }: Partial<EvidenceInput> = {},
) {
  return evidenceOf({
    request,
    policy: unchanged,
    facts: filed(facts),
    unread: 0,
    now: new Date(afterNoon(3_600)),
    shows: () => true,
    seesOrigin: () => true,
    ...values,
  });
}
