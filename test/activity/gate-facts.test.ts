import { describe, expect, it } from "@jest/globals";
import { gateFactLimits, writeAsked, writeTold } from "../../src/activity/gate-facts.ts";
import { parseFact } from "../../src/activity/schema.ts";
import type { SecurityRule } from "../../src/rules/nsg.ts";
import type { GateWriting } from "../../src/rules/writing.ts";
import { aGroup, aRule, noon, vmId } from "../support/builders.ts";

const before = aRule({ name: "JitAccess-1", priority: 300 });
const after: SecurityRule = { ...before, priority: 301, destinations: ["10.0.0.4", "10.0.0.5"] };
const group = aGroup(before);
const writing: GateWriting = {
  id: "turn-1",
  vms: [
    { vmId: vmId(), rules: [{ name: "JitAccess-1", before: "a", after: "b" }] },
    { rules: [{ name: "JitAccess-2", before: "c" }] },
  ],
};
const asked = (values: Partial<Parameters<typeof writeAsked>[1]> = {}) =>
  writeAsked(writing, {
    gate: group,
    etag: 'W/"1"',
    at: noon,
    changes: [
      { kind: "put", rule: after },
      { kind: "delete", name: "JitAccess-2" },
    ],
    ...values,
  });

describe("the facts of a write", () => {
  it("tell beforehand, for each VM, what each rule says and what it is to say", () => {
    const [ofVm, ofNone] = asked();

    expect(ofVm).toMatchObject({
      id: "gate.write.turn-1.asked.0",
      operation: "gate.write",
      outcome: "asked",
      vmId: vmId(),
      gates: [{ id: group.id, rules: ["JitAccess-1"], etag: 'W/"1"' }],
    });
    const [change] = ofVm?.changes ?? [];
    expect(change?.path).toBe("JitAccess-1");
    expect(JSON.parse(change?.before ?? "")).toMatchObject({ priority: 300 });
    expect(JSON.parse(change?.after ?? "")).toMatchObject({
      priority: 301,
      destinations: ["10.0.0.4", "10.0.0.5"],
    });
    expect(ofNone).not.toHaveProperty("vmId");
    expect(ofNone?.changes).toEqual([{ path: "JitAccess-2" }]);
  });

  it("are those of the catalogue, also where Azure gives no ETag", () => {
    const told = writeTold(writing, {
      gateId: group.id,
      outcome: "done",
      vms: new Set(writing.vms),
      at: noon,
      proof: { readAt: noon.toISOString() },
    });

    for (const fact of [...asked(), ...asked({ etag: "" }), ...told]) {
      expect(() => parseFact(JSON.parse(JSON.stringify(fact)))).not.toThrow();
    }
    expect(asked({ etag: "" })[0]?.gates?.[0]).not.toHaveProperty("etag");
  });

  it("are bounded, whatever the rules, and say how many more there are", () => {
    const many = Array.from({ length: 150 }, (_, index) => ({
      name: `JitAccess-${index}`,
      after: "x",
    }));
    const sources = Array.from(
      { length: 4_000 },
      (_, index) => `10.1.${index >> 8}.${index & 255}`,
    );
    const [fact] = writeAsked(
      { id: "turn-2", vms: [{ vmId: vmId(), rules: many }] },
      {
        gate: group,
        etag: "1",
        at: noon,
        changes: many.map(({ name }) => ({
          kind: "put",
          rule: { ...before, name, sources },
        })),
      },
    );

    expect(fact?.gates?.[0]?.rules).toHaveLength(gateFactLimits.rules + 1);
    expect(fact?.gates?.[0]?.rules.at(-1)).toBe("50 more");
    expect(fact?.changes).toHaveLength(gateFactLimits.changes + 1);
    expect(fact?.changes?.at(-1)).toEqual({ path: "100 more", after: "100" });
    expect(JSON.parse(fact?.changes?.[0]?.after ?? "").sources.at(-1)).toBe("3980 more");
    expect(JSON.stringify(fact).length).toBeLessThan(60_000);
  });
});
