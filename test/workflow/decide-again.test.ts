import { beforeEach, describe, expect, it } from "@jest/globals";
import type { AccessRequest } from "../../src/access/request.ts";
import type { AccessRules } from "../../src/policy/access-rules.ts";
import { lookAfterWindows } from "../../src/workflow/look-after.ts";
import { openWindows } from "../../src/workflow/open-windows.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import {
  allowsEver,
  approval,
  approvedBy,
  automatic,
  bob,
  breakGlass,
  carol,
  dan,
  escalating,
  groups,
  slowly,
  waits,
} from "../support/approvals.ts";
import {
  afterNoon,
  alice,
  anAccessRequest,
  aPolicy,
  aPort,
  aWindow,
  requestId,
} from "../support/builders.ts";
import { createWorld, nsgs, type World } from "../support/world.ts";

const vm = { requestId, vmIndex: 0 };
describe("opening a window", () => {
  let world: World;

  beforeEach(() => {
    world = createWorld();
    world.directory.join(groups.approvers, carol);
    world.directory.join(groups.trusted, alice);
  });

  const rulesOf = (accessRules: AccessRules) => ({ ports: [aPort()], accessRules });
  const policyWith = (accessRules: AccessRules) => world.protect(rulesOf(accessRules));
  const open = (process = world.start()) => world.clock.run(openWindows(process, vm));
  const look = () => world.clock.run(lookAfterWindows(world.start(), { ...vm, attempt: 1 }));
  const state = async () => (await world.windows(requestId)).map((window) => window.state).join();
  const allowed: readonly {
    case: string;
    rules: AccessRules;
    request: Partial<AccessRequest>;
    meanwhile?: () => unknown;
  }[] = [
    { case: "nothing changed and no rule asks for more", rules: {}, request: {} },
    { case: "a named approver agreed", rules: { approval }, request: approvedBy(bob) },
    { case: "somebody of a named group agreed", rules: { approval }, request: approvedBy(carol) },
    {
      case: "one approver was lost, and another one is enough",
      rules: { approval },
      request: approvedBy(bob, carol),
      meanwhile: () => world.directory.leave(groups.approvers, carol),
    },
    {
      case: "somebody of the second circle agreed after it was asked",
      rules: { approval: escalating },
      request: { ...approvedBy(dan), approval: { ...waits, isEscalated: true } },
    },
    {
      case: "a rule approved by itself",
      rules: { approval: automatic },
      request: { approval: { needed: 1, automatic: 0 } },
    },
    {
      case: "it is an emergency of somebody named",
      rules: { approval, breakGlass },
      request: { isBreakGlass: true, review: { dueAt: afterNoon(86_400) } },
    },
    {
      case: "the approval that was given is not asked for any more",
      rules: { approval },
      request: approvedBy(carol),
      async meanwhile() {
        world.directory.disable(carol);
        await world.protectAgain(rulesOf({}));
      },
    },
  ];

  it.each(allowed)("goes on when $case", async ({ rules, request, meanwhile }) => {
    await policyWith(rules);
    await world.request(anAccessRequest(request));
    await meanwhile?.();

    await open(slowly(world));

    expect(await state()).toBe("open");
    expect(allowsEver(world)).toHaveLength(2);
  });

  const stopped: readonly {
    case: string;
    rules?: AccessRules;
    request?: Partial<AccessRequest>;
    meanwhile: () => unknown;
    code: string;
  }[] = [
    {
      case: "the requestor lost the right",
      meanwhile: () => world.loseRights(alice),
      code: "AuthorizationFailed",
    },
    {
      case: "the requestor's account was disabled",
      meanwhile: () => world.directory.disable(alice),
      code: "AccountDisabled",
    },
    {
      case: "the policy now wants an approval",
      meanwhile: () => world.protectAgain(rulesOf({ approval })),
      code: "ApprovalMissing",
    },
    {
      case: "the policy now wants two approvals",
      rules: { approval },
      request: approvedBy(bob),
      meanwhile: () =>
        world.protectAgain(rulesOf({ approval: { ...approval, approvalsNeeded: 2 } })),
      code: "ApprovalMissing",
    },
    {
      case: "the policy now wants narrower sources",
      request: { windows: [aWindow({ sources: ["203.0.113.0/28"] })] },
      meanwhile: () =>
        world.protectAgain(rulesOf({ sources: { anyAllowed: false, widestIpv4PrefixLength: 32 } })),
      code: "SourceTooWide",
    },
    {
      case: "the policy now allows other sources alone",
      meanwhile: () =>
        world.protectAgain({ ports: [aPort({ allowedSourceAddressPrefix: "203.0.113.64/26" })] }),
      code: "RequestNotSubsetOfPolicy",
    },
    {
      case: "the policy now allows shorter windows alone",
      rules: { approval },
      request: approvedBy(bob),
      meanwhile: () =>
        world.protectAgain({
          ports: [aPort({ maxRequestAccessDuration: "PT30M" })],
          accessRules: { approval },
        }),
      code: "RequestNotSubsetOfPolicy",
    },
    {
      case: "the policy is being deleted",
      async meanwhile() {
        const stored = await world.policies.get(aPolicy().id);
        await world.policies.put(
          { ...(stored?.value ?? aPolicy()), state: "deleting" },
          stored?.etag,
        );
      },
      code: "PolicyNotFound",
    },
    {
      case: "the approver left the group",
      rules: { approval },
      request: approvedBy(carol),
      meanwhile: () => world.directory.leave(groups.approvers, carol),
      code: "ApprovalMissing",
    },
    {
      case: "the approver is not named any more",
      rules: { approval },
      request: approvedBy(bob),
      meanwhile: () =>
        world.protectAgain(
          rulesOf({ approval: { ...approval, approvers: { people: [carol], groups: [] } } }),
        ),
      code: "ApprovalMissing",
    },
    {
      case: "the approver's account was disabled",
      rules: { approval },
      request: approvedBy(bob),
      meanwhile: () => world.directory.disable(bob),
      code: "ApprovalMissing",
    },
    {
      case: "somebody of the second circle agreed who had not been asked",
      rules: { approval: escalating },
      request: approvedBy(dan),
      meanwhile: () => undefined,
      code: "ApprovalMissing",
    },
    {
      case: "the requestor's own answer is the only one",
      rules: { approval: { ...approval, approvers: { people: [alice], groups: [] } } },
      request: approvedBy(alice),
      meanwhile: () => undefined,
      code: "ApprovalMissing",
    },
    {
      case: "the group was left for which a rule approves by itself",
      rules: { approval: automatic },
      request: { approval: { needed: 1, automatic: 0 } },
      meanwhile: () => world.directory.leave(groups.trusted, alice),
      code: "ApprovalMissing",
    },
    {
      case: "no rule approves by itself any more",
      rules: { approval: automatic },
      request: { approval: { needed: 1, automatic: 0 } },
      meanwhile: () => world.protectAgain(rulesOf({ approval })),
      code: "ApprovalMissing",
    },
    {
      case: "the requestor is not among those any more who may open in an emergency",
      rules: { approval, breakGlass },
      request: { isBreakGlass: true, review: { dueAt: afterNoon(86_400) } },
      meanwhile: () =>
        world.protectAgain(rulesOf({ approval, breakGlass: { ...breakGlass, people: [bob] } })),
      code: "BreakGlassNotAllowed",
    },
  ];

  it.each(stopped)(
    "fails without a rule ever being written, whoever settles meanwhile, when $case",
    async ({ rules = {}, request = {}, meanwhile, code }) => {
      await policyWith(rules);
      await world.request(anAccessRequest(request));
      await meanwhile();

      await open(slowly(world));
      const reasons = (await world.windows(requestId))[0]?.reasons ?? [];
      await world.clock.run(sweep(world.start()));
      await look();

      expect(allowsEver(world)).toEqual([]);
      expect(reasons.map((reason) => reason.code)).toEqual(expect.arrayContaining([code]));
      expect(await state()).toBe("failed");
      const [failed] = (await world.facts()).filter(({ outcome }) => outcome === "failed");
      expect(failed).toMatchObject({ operation: "access.open", reasons });
      const records = await Promise.all(Object.values(nsgs).map(world.record));
      expect(records.flatMap(({ intent }) => intent.windows)).toEqual([]);
    },
  );
});
