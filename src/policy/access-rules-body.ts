import { z } from "zod";
import { type Outcome, ok, type Reason, reasonsFrom, refused, refusedFor } from "../reasons.ts";
import { type AccessRules, type ApprovalRules, weekdays } from "./access-rules.ts";
import {
  type AccessRulesContext,
  circleSchemas,
  closed,
  optional,
  personKey,
} from "./circle-body.ts";
import { durationSeconds } from "./duration.ts";
import { isLargerThan, member } from "./size.ts";
import { isPattern, readPattern } from "./text-pattern.ts";

/** How large the rules of one policy may be: names, values and list entries, a character or an entry each. */
const largestRules = 20_000;

const target = "properties.accessRules";

/** Seconds in a minute, an hour and a day. */
const [minute, hour, day] = [60, 3_600, 86_400] as const;

const justification = closed({
  required: z
    .boolean("expected true or false")
    .nullish()
    .transform((value) => value ?? true),
  pattern: optional(
    z.string("expected a regular expression").check(({ value, issues }) => {
      const read = readPattern(value);
      if (!isPattern(read)) {
        issues.push({ code: "custom", message: read.fault, input: value });
      }
    }),
  ),
  hint: optional(
    z.string("expected text").min(1, "expected text").max(300, "expected at most 300 characters"),
  ),
});

const sources = closed({
  anyAllowed: z
    .boolean("expected true or false")
    .nullish()
    .transform((value) => value ?? true),
  widestIpv4PrefixLength: optional(prefixLength(32)),
  widestIpv6PrefixLength: optional(prefixLength(128)),
});

const hours = closed({
  timeZone: z
    .string("expected an IANA time zone such as Europe/Berlin")
    .refine(isTimeZone, "expected an IANA time zone such as Europe/Berlin"),
  days: z
    .array(z.enum(weekdays, `expected one of ${weekdays.join(", ")}`), "expected a list of days")
    .min(1, "expected at least one day")
    .max(7, "expected at most seven days")
    .transform((given) => weekdays.filter((weekday) => given.includes(weekday))),
  from: timeOfDay("08:00", /^([01]\d|2[0-3]):[0-5]\d$/),
  to: timeOfDay("18:00 or 24:00", /^(([01]\d|2[0-3]):[0-5]\d|24:00)$/),
}).check(({ value, issues }) => {
  if (value.from >= value.to) {
    const message = `expected a time after 'from' (${value.from}); hours over midnight are two entries`;
    issues.push({ code: "custom", path: ["to"], message, input: value.to });
  }
});

/**
 * Reads `properties.accessRules` of a PUT body: the rules, null where the policy is to have none, nothing where the body leaves
 * them out; or everything that is wrong with them.
 */
export function parseAccessRules(
  body: unknown,
  context: AccessRulesContext,
): Outcome<AccessRules | null | undefined> {
  const given = member(member(body, "properties"), "accessRules");
  if (given === undefined || given === null) {
    return ok(given);
  }
  if (isLargerThan(given, largestRules)) {
    const message = `'${target}' is too large: expected at most ${largestRules.toLocaleString("en")} characters and entries in all.`;
    return refused({ code: "InvalidPolicy", message, target });
  }
  const schema = z.object({ properties: z.object({ accessRules: accessRulesSchema(context) }) });
  const parsed = schema.safeParse({ properties: { accessRules: given } }, { reportInput: true });
  if (!parsed.success) {
    return refusedFor(reasonsFrom(parsed.error, "InvalidPolicy"));
  }
  const rules = withoutGaps(parsed.data.properties.accessRules);
  const reasons = togetherFaults(rules);
  // Rules that say nothing are none.
  return reasons.length > 0
    ? refusedFor(reasons)
    : ok(Object.keys(rules).length > 0 ? rules : null);
}

function accessRulesSchema(context: AccessRulesContext) {
  const { people, groups, circle } = circleSchemas(context);
  const answerWithin = duration("PT4H", { text: "PT1M to P7D", from: minute, to: 7 * day });
  const escalation = closed({ approvers: circle, answerWithin });
  const autoApproval = closed({
    groups: optional(groups.min(1, "expected at least one group")),
    hours: optional(hours),
  }).refine(
    (each) => each.groups !== undefined || each.hours !== undefined,
    "expected groups, hours or both: with neither everybody would be approved at any time",
  );
  const approval = closed({
    approvalsNeeded: z
      .int("expected a whole number from 1 to 5")
      .min(1, "expected a whole number from 1 to 5")
      .max(5, "expected a whole number from 1 to 5")
      .nullish()
      .transform((value) => value ?? 1),
    approvers: circle,
    answerWithin,
    escalation: optional(escalation),
    autoApproval: optional(
      z.array(autoApproval, "expected a list").max(10, "expected at most 10 entries"),
    ).transform((list) => (list?.length === 0 ? undefined : list)),
  });
  const breakGlass = closed({
    people: people.min(1, "expected at least one person"),
    reviewers: optional(circle),
    reviewWithin: duration("P1D", { text: "PT1H to P30D", from: hour, to: 30 * day }),
  });
  return closed({
    justification: optional(justification),
    sources: optional(sources),
    approval: optional(approval),
    breakGlass: optional(breakGlass),
  });
}

/** What is wrong with rules that are well-formed each, but not together. */
function togetherFaults({ approval, breakGlass }: AccessRules): readonly Reason[] {
  const most = approval === undefined ? 0 : mostApprovers(approval);
  const tooMany: readonly Reason[] =
    approval === undefined || approval.approvalsNeeded <= most
      ? []
      : [
          {
            code: "InvalidPolicy",
            message: `'${target}.approval.approvalsNeeded' is ${approval.approvalsNeeded}: expected at most ${most}, as no more people are listed who could agree.`,
            target: `${target}.approval.approvalsNeeded`,
          },
        ];
  const isUnseen =
    breakGlass !== undefined && breakGlass.reviewers === undefined && approval === undefined;
  return isUnseen
    ? [
        ...tooMany,
        {
          code: "InvalidPolicy",
          message: `'${target}.breakGlass.reviewers' is missing: expected reviewers where there are no approvers, or nobody could review what was opened.`,
          target: `${target}.breakGlass.reviewers`,
        },
      ]
    : tooMany;
}

/** How many people could ever agree; with a group there is no telling. */
function mostApprovers({ approvers, escalation }: ApprovalRules): number {
  const circles = [approvers, ...(escalation === undefined ? [] : [escalation.approvers])];
  return circles.some((circle) => circle.groups.length > 0)
    ? Number.POSITIVE_INFINITY
    : new Set(circles.flatMap((circle) => circle.people.map(personKey))).size;
}

function duration(
  otherwise: string,
  limits: { readonly text: string; readonly from: number; readonly to: number },
) {
  const expected = `expected an ISO 8601 duration from ${limits.text}`;
  const isWithin = (text: string) => {
    const seconds = durationSeconds(text);
    return seconds !== undefined && seconds >= limits.from && seconds <= limits.to;
  };
  return z
    .string(expected)
    .refine(isWithin, expected)
    .nullish()
    .transform((value) => value ?? otherwise);
}

function prefixLength(longest: number) {
  const expected = `expected a whole number from 0 to ${longest}`;
  return z.int(expected).min(0, expected).max(longest, expected);
}

function timeOfDay(example: string, form: RegExp) {
  return z
    .string(`expected a time such as ${example}`)
    .regex(form, `expected a time such as ${example}`);
}

/** NB. The form first: this system takes offsets such as +01:00 for zones too, and they know no daylight saving. */
function isTimeZone(text: string): boolean {
  if (!/^[A-Za-z][\w+-]*(?:\/[\w+-]+){0,2}$/.test(text) || text.length > 64) {
    return false;
  }
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: text }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

/** The rules as storage gives them back: members that are `undefined` are not there. */
function withoutGaps<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}
