import { policyKeyOf } from "./aims.ts";
import { mayConfigure } from "./estate.ts";
import type { FuzzCall, Purpose } from "./fuzz-call.ts";
import type { Ledger } from "./ledger.ts";
import { type PolicyRead, readPolicy, type Whereabouts } from "./read-bodies.ts";

/** A call and what came of it. `status` is 0 where nothing came. */
export interface Told {
  readonly call: FuzzCall;
  /** What its address means, whatever the call was meant for. */
  readonly aim: Purpose;
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: bodies of every route pass here; whoever reads them says what they expect.
  readonly body: any;
  readonly sentAt: number;
  readonly answeredAt: number;
}

/** What is wrong with what was noted, told once no call is under way any more: until then nobody knows what others changed. */
export type Judgement = () => readonly string[];

/** Notes a PUT or DELETE of a policy. Answers what is wrong with it having been taken. */
export function notePolicy(ledger: Ledger, told: Told, where: Whereabouts): readonly string[] {
  const { call, status, sentAt, answeredAt } = told;
  const person = call.identity.person ?? "nobody";
  const isDone = status === 200;
  const mayHaveEffect = isDone || status === 409 || status >= 500 || status === 0;
  if (person === "nobody" || !mayConfigure(person)) {
    return status >= 200 && status < 300 ? [`'${person}' changed a policy`] : [];
  }
  const content = call.method === "PUT" ? contentOf(call, where) : undefined;
  if (content instanceof Error) {
    return isDone ? [`a body was taken that cannot be read: ${content.message}`] : [];
  }
  if (mayHaveEffect) {
    const key = policyKeyOf(call);
    ledger.policies.note({ key, sentAt, answeredAt, isCertain: isDone, content });
    if (isDone && call.method === "DELETE") {
      endRequests(ledger, key, told);
    }
  }
  return [];
}

function contentOf({ body }: FuzzCall, where: Whereabouts): PolicyRead | Error {
  try {
    return readPolicy(new TextDecoder().decode(body), where);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** A deleted policy takes the windows away that were asked for before. */
function endRequests(ledger: Ledger, key: string, { sentAt, answeredAt }: Told): void {
  for (const record of ledger.requests.values()) {
    if (record.policyKey === key && record.answeredAt < sentAt) {
      record.endedAt ??= answeredAt;
    }
  }
}
