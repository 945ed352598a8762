import { everybody, groupMembers, objectIds, type Person } from "./estate.ts";

/** The rules of a policy about requests, as this oracle understands them. */
export interface RulesRead {
  readonly justification?: { readonly isRequired: boolean; readonly pattern?: string };
  readonly sources?: { readonly isAnyAllowed: boolean; readonly widest: Record<4 | 6, number> };
  readonly approval?: {
    readonly needed: number;
    /** Whoever may answer, sooner or later. */
    readonly approvers: readonly Person[];
    /** The rules that approve by themselves: whom each is for, and whether at any hour. */
    readonly automatic: readonly {
      readonly people: readonly Person[];
      readonly isAlways: boolean;
    }[];
  };
  readonly breakGlass?: {
    readonly people: readonly Person[];
    readonly reviewers: readonly Person[];
  };
}

type Json = Readonly<Record<string, unknown>>;

/** Reads `properties.accessRules` of a body that was taken: nothing where it leaves them as they are, null where there are none. */
export function readRules(properties: Json, tenantId: string): RulesRead | null | undefined {
  const given = properties["accessRules"];
  if (given === undefined || given === null) {
    return given;
  }
  const rules = given as Json;
  const approval = rules["approval"] as Json | null | undefined;
  const breakGlass = rules["breakGlass"] as Json | null | undefined;
  const sources = rules["sources"] as Json | null | undefined;
  const justification = rules["justification"] as Json | null | undefined;
  return {
    ...(justification ? { justification: justificationOf(justification) } : {}),
    ...(sources ? { sources: sourcesOf(sources) } : {}),
    ...(approval ? { approval: approvalOf(approval, tenantId) } : {}),
    ...(breakGlass ? { breakGlass: breakGlassOf(breakGlass, tenantId) } : {}),
  };
}

function justificationOf({ required, pattern }: Json) {
  return {
    isRequired: required !== false,
    ...(typeof pattern === "string" ? { pattern } : {}),
  };
}

function sourcesOf({ anyAllowed, widestIpv4PrefixLength, widestIpv6PrefixLength }: Json) {
  return {
    isAnyAllowed: anyAllowed !== false,
    widest: { 4: Number(widestIpv4PrefixLength ?? 0), 6: Number(widestIpv6PrefixLength ?? 0) },
  };
}

function approvalOf(
  { approvalsNeeded, approvers, escalation, autoApproval }: Json,
  tenant: string,
) {
  const later = (escalation as Json | null | undefined)?.["approvers"];
  const automatic = (autoApproval ?? []) as readonly Json[];
  return {
    needed: Number(approvalsNeeded ?? 1),
    approvers: [...circleOf(approvers, tenant), ...circleOf(later, tenant)],
    automatic: automatic.map(({ groups, hours }) => ({
      people: groups === undefined || groups === null ? everybody : membersOf(groups),
      isAlways: hours === undefined || hours === null,
    })),
  };
}

function breakGlassOf({ people, reviewers }: Json, tenant: string) {
  return { people: peopleOf(people, tenant), reviewers: circleOf(reviewers, tenant) };
}

function circleOf(circle: unknown, tenant: string): readonly Person[] {
  const { people, groups } = (circle ?? {}) as Json;
  return [...peopleOf(people, tenant), ...membersOf(groups)];
}

function peopleOf(list: unknown, tenant: string): readonly Person[] {
  return ((list ?? []) as readonly unknown[]).flatMap((entry) => {
    const { objectId, tenantId } = (
      typeof entry === "string" ? { objectId: entry } : entry
    ) as Json;
    const isOurs = String(tenantId ?? tenant).toLowerCase() === tenant.toLowerCase();
    const names = Object.keys(objectIds) as Person[];
    return names.filter((name) => isOurs && objectIds[name] === String(objectId).toLowerCase());
  });
}

function membersOf(list: unknown): readonly Person[] {
  return ((list ?? []) as readonly unknown[]).flatMap((entry) => {
    const id = typeof entry === "string" ? entry : (entry as Json)["objectId"];
    return Object.values(groupMembers)
      .filter(({ objectId }) => objectId === String(id).toLowerCase())
      .flatMap(({ members }): readonly Person[] => members);
  });
}
