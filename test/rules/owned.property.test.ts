import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { nsgLimits } from "../../src/rules/nsg.ts";
import {
  allowDescription,
  allowRuleName,
  closesAtOf,
  denyDescription,
  denyRuleName,
  isOwned,
  tookPriority,
} from "../../src/rules/owned.ts";
import { afterNoon, anOwner, aRule, requestId } from "../support/builders.ts";
import { propertyRuns } from "../support/property-runs.ts";

const vmNames = fc.string({ unit: "binary", minLength: 1, maxLength: 64 });
/** Letters, digits, dashes; 47 characters is the longest a window's id gets. */
const windowIds = fc
  .nat(99)
  .chain((vm) => fc.nat(65_535).map((port) => `${requestId}-${vm}-${port}`));
const owners = fc.record({
  name: fc.stringMatching(/^[\w.-]{1,20}$/),
  tag: fc.stringMatching(/^[0-9a-f]{6}$/),
});

describe("a rule of ours", () => {
  it("has a name and a description that Azure takes and stores unchanged, whatever the VM is called", () => {
    fc.assert(
      fc.property(owners, vmNames, windowIds, (owner, vmName, windowId) => {
        const names = [
          denyRuleName(owner, { vmKey: "0123456789abcdef" }, 4),
          allowRuleName(owner, windowId, 6),
        ];
        const descriptions = [
          denyDescription(owner, vmName),
          denyDescription(owner, vmName, true),
          allowDescription(owner, windowId, afterNoon(0), vmName),
        ];

        for (const name of names) {
          expect(name).toMatch(/^[A-Za-z0-9][\w.-]{0,78}\w$/);
        }
        for (const description of descriptions) {
          expect(description.length).toBeLessThanOrEqual(nsgLimits.descriptionLength);
          expect(description.isWellFormed()).toBe(true);
        }
      }),
      propertyRuns,
    );
  });

  it("tells from its description alone when it has to be closed, and whose window it is", () => {
    fc.assert(
      fc.property(owners, vmNames, windowIds, fc.nat(1e9), (owner, vmName, windowId, seconds) => {
        const closesAt = afterNoon(seconds);

        const description = allowDescription(owner, windowId, closesAt, vmName);

        expect(closesAtOf(aRule({ description }))).toBe(closesAt);
        expect(description).toContain(`'${owner.name}'`);
        expect(description).toContain(` ${windowId} `);
      }),
      propertyRuns,
    );
  });

  it("tells from its description whether it went before customer rules", () => {
    fc.assert(
      fc.property(owners, vmNames, fc.boolean(), (owner, vmName, takesPriority) => {
        const description = denyDescription(owner, vmName, takesPriority);

        expect(tookPriority({ description })).toBe(takesPriority);
      }),
      propertyRuns,
    );
  });

  it("is known by its name, whatever VM, window and deployment it is made for, and in any case", () => {
    fc.assert(
      fc.property(owners, windowIds, fc.stringMatching(/^[0-9a-f]{16}$/), (owner, id, vmKey) => {
        for (const family of [4, 6] as const) {
          for (const name of [
            denyRuleName(owner, { vmKey }, family),
            allowRuleName(owner, id, family),
          ]) {
            expect(isOwned(aRule({ name }), owner)).toBe(true);
            expect(isOwned(aRule({ name: name.toUpperCase() }), owner)).toBe(true);
          }
        }
      }),
      propertyRuns,
    );
  });

  it.each([
    `JitAccess-${anOwner.tag}-breakglass`,
    `JitAccess-${anOwner.tag}-Deny-breakglass-v4`,
    `JitAccess-${anOwner.tag}-Deny-0123456789abcdef`,
    `JitAccess-${anOwner.tag}-Deny-0123456789abcdef-v5`,
    `JitAccess-${anOwner.tag}-Deny-0123456789abcdef0-v4`,
    `JitAccess-${anOwner.tag}-Allow-w-v4`,
    `JitAccess-${anOwner.tag}-Allow-${requestId}-v4`,
    `JitAccess-${anOwner.tag}-Allow-${requestId}-0-22-v4.old`,
    `xJitAccess-${anOwner.tag}-Allow-${requestId}-0-22-v4`,
    `JitAccess-ffffff-Allow-${requestId}-0-22-v4`,
  ])("is not taken for one of ours when a customer names it '%s'", (name) => {
    expect(isOwned(aRule({ name }), anOwner)).toBe(false);
  });

  it("is inbound: an outbound rule is nobody's but the customer's", () => {
    const name = denyRuleName(anOwner, { vmKey: "0123456789abcdef" }, 4);

    expect(isOwned(aRule({ name, direction: "Outbound" }), anOwner)).toBe(false);
  });

  it("tells no end where somebody rewrote its description", () => {
    expect(closesAtOf(aRule({ description: "closes tomorrow window 7" }))).toBeUndefined();
    expect(closesAtOf(aRule({ description: denyDescription(anOwner, "vm") }))).toBeUndefined();
  });
});
