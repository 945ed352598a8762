/** Our own rules of a policy about requests (`properties.accessRules`): what a request has to say, and who has to agree. */

/** A person or application by its identity; the name is for people to read and decides nothing. */
export interface PersonRef {
  readonly tenantId: string;
  readonly objectId: string;
  readonly name?: string | undefined;
}

/** A group of the directory by its object id. */
export interface GroupRef {
  readonly objectId: string;
  readonly name?: string | undefined;
}

/** Whoever is listed, or is in a listed group, directly or through other groups. */
export interface PeopleAndGroups {
  readonly people: readonly PersonRef[];
  readonly groups: readonly GroupRef[];
}

/** Hours of the week in which something holds: from `from` (included) to `to` (excluded) by the clock of `timeZone`. */
export interface WeeklyHours {
  /** An IANA name such as Europe/Berlin. */
  readonly timeZone: string;
  readonly days: readonly Weekday[];
  /** `HH:MM`. */
  readonly from: string;
  /** `HH:MM`, after `from`; `24:00` is the end of the day. */
  readonly to: string;
}

export const weekdays = [
  "Monday",
  "Tuesday",
  "Wednesday",
  "Thursday",
  "Friday",
  "Saturday",
  "Sunday",
] as const;
export type Weekday = (typeof weekdays)[number];

/** Requests that need nobody's answer: by someone in one of the groups, within the hours; each where it is given. */
export interface AutoApproval {
  readonly groups?: readonly GroupRef[] | undefined;
  readonly hours?: WeeklyHours | undefined;
}

export interface ApprovalRules {
  /** How many different approvers have to agree. */
  readonly approvalsNeeded: number;
  readonly approvers: PeopleAndGroups;
  /** ISO 8601: a request that nobody decided upon by then expires, or is put to `escalation`. */
  readonly answerWithin: string;
  /** A second circle that may answer too once the first has not in time. */
  readonly escalation?:
    | { readonly approvers: PeopleAndGroups; readonly answerWithin: string }
    | undefined;
  readonly autoApproval?: readonly AutoApproval[] | undefined;
}

export interface BreakGlassRules {
  /** Who may open at once without an approval. */
  readonly people: readonly PersonRef[];
  /** Who may review it afterwards besides the approvers. */
  readonly reviewers?: PeopleAndGroups | undefined;
  /** ISO 8601: until when after the request the review is due. */
  readonly reviewWithin: string;
}

export interface AccessRules {
  readonly justification?:
    | {
        readonly required: boolean;
        /** A regular expression that the whole justification has to contain a match of. */
        readonly pattern?: string | undefined;
        /** Told to people whose justification does not fit. */
        readonly hint?: string | undefined;
      }
    | undefined;
  readonly sources?:
    | {
        /** Whether `*` and ranges of everything may be asked for. */
        readonly anyAllowed: boolean;
        /** The shortest prefix, which is the widest range: 24 allows /24 to /32. */
        readonly widestIpv4PrefixLength?: number | undefined;
        readonly widestIpv6PrefixLength?: number | undefined;
      }
    | undefined;
  readonly approval?: ApprovalRules | undefined;
  readonly breakGlass?: BreakGlassRules | undefined;
}
