import { requestIdOf } from "./aims.ts";
import type { Person } from "./estate.ts";
import type { Ledger } from "./ledger.ts";
import type { Judgement, Told } from "./note-policies.ts";
import type { RequestRecord } from "./request-record.ts";

/** Notes what was said about a request and taken. Answers what is wrong with it having been taken. */
export function noteDecision(ledger: Ledger, told: Told): Judgement {
  const { call, aim, sentAt, answeredAt } = told;
  const { person } = call.identity;
  const record = ledger.requests.get(requestIdOf(call));
  if (person === undefined || record === undefined) {
    return () => [`'${person ?? "nobody"}' had a word in a request that nobody asked for`];
  }
  const mayDo = {
    approve: () => ledger.mayAnswer(person, record, sentAt, answeredAt),
    deny: () => ledger.mayAnswer(person, record, sentAt, answeredAt),
    review: () => ledger.mayReview(person, record, sentAt, answeredAt),
    revoke: () => ledger.mayRevoke(person, record, sentAt, answeredAt),
  }[aim as "approve" | "deny" | "review" | "revoke"];
  note(record, person, told);
  return () => (mayDo() ? [] : [`'${person}' may not ${aim} ${record.id}`]);
}

function note(record: RequestRecord, person: Person, { aim, answeredAt }: Told): void {
  if (aim === "approve") {
    record.approvers.add(person);
  }
  if (aim === "deny") {
    record.wasDenied = true;
  }
  if (aim === "revoke") {
    record.endedAt ??= answeredAt;
  }
}
