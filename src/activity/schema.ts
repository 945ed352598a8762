import { z } from "zod";
import { protocols } from "../policy/policy.ts";
import { type ReasonCode, reasonCodes } from "../reasons.ts";
import { type Fact, factVersion, type Operation } from "./fact.ts";
import { type FactField, type FactKind, factKinds, refusedKind } from "./kinds.ts";

const moment = z.iso.datetime("expected a time in UTC, such as 2026-11-26T12:00:00.000Z");
const text = z.string().min(1);

const person = z.strictObject({
  tenantId: text,
  objectId: text,
  name: z.string(),
  kind: z.enum(["user", "application"]).optional(),
  application: text.optional(),
});

const reason = z.strictObject({
  code: z.enum(Object.keys(reasonCodes) as [ReasonCode, ...ReasonCode[]]),
  message: text,
  target: text.exactOptional(),
  vmId: text.exactOptional(),
});

/** What each field holds; the compiler compares it with the type that readers see. */
const fields = {
  policyId: text,
  vmId: text,
  requestId: text,
  windowId: text,
  followsRequestId: text,
  origin: z.strictObject({
    address: text.optional(),
    callId: text.optional(),
    correlationId: z.guid().optional(),
  }),
  actor: person,
  requestor: person,
  port: z.int().min(1).max(65_535),
  protocol: z.enum(protocols),
  sources: z.array(text).min(1),
  closesAt: moment,
  justification: z.string(),
  comment: z.string(),
  breakGlass: z.boolean(),
  awaits: z.strictObject({
    approvals: z.int().min(1),
    answerBy: moment,
    approvers: z.array(z.string()),
  }),
  approvedByRule: z.int().min(0),
  changes: z.array(z.strictObject({ path: text, before: text.optional(), after: text.optional() })),
  endReason: z.enum(["Expired", "UserRequested", "NewerRequestInitiated"]),
  gates: z.array(
    z.strictObject({
      id: text,
      rules: z.array(text),
      readAt: moment.optional(),
      etag: text.optional(),
    }),
  ),
  reasons: z.array(reason),
  times: z.int().min(1),
  claimed: z.strictObject({ tenantId: z.guid().optional(), objectId: z.guid().optional() }),
} satisfies { readonly [Field in FactField]: z.ZodType<NonNullable<Fact[Field]>> };

/** The form of each operation's facts. NB. Strict: a field that the catalogue does not know is a fault. */
export const factSchemas = Object.fromEntries(
  Object.entries(factKinds).map(([operation, kind]) => [operation, schemaOf(operation, kind)]),
) as Readonly<Record<Operation, z.ZodType>>;

const anyFact = z.looseObject({
  operation: z.enum(Object.keys(factKinds) as [Operation, ...Operation[]]),
});

/** A fact as the catalogue has it; throws what is wrong with it. For tests and readers of foreign files: what is recorded was made right. */
export function parseFact(value: unknown): Fact {
  const { operation } = anyFact.parse(value);
  return factSchemas[operation].parse(value) as Fact;
}

function schemaOf(operation: string, kind: FactKind): z.ZodType {
  const told = tellingOf(operation, kind.outcomes, kind);
  return kind.isRefusable === true
    ? z.discriminatedUnion("outcome", [told, tellingOf(operation, ["refused"], refusedKind)])
    : told;
}

function tellingOf(
  operation: string,
  outcomes: readonly string[],
  { always, sometimes }: Pick<FactKind, "always" | "sometimes">,
) {
  return z.strictObject({
    id: z.string().regex(/^[\w.-]{1,200}$/, "expected letters, digits, dashes and dots"),
    version: z.literal(factVersion),
    at: moment,
    operation: z.literal(operation),
    outcome: z.enum(outcomes),
    subscriptionId: z.guid(),
    ...Object.fromEntries(always.map((name): [string, z.ZodType] => [name, fields[name]])),
    ...Object.fromEntries(
      sometimes
        .filter((name) => !always.includes(name))
        .map((name): [string, z.ZodType] => [name, fields[name].optional()]),
    ),
  });
}
