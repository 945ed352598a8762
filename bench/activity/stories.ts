import type { Requestor } from "../../src/access/request.ts";
import type { Fact } from "../../src/activity/fact.ts";
import type { AuditedVm } from "./estate.ts";

/** What one story is about. */
export interface Scene {
  readonly requestId: string;
  /** When it begins. */
  readonly at: Date;
  readonly vm: AuditedVm;
  readonly requestor: Requestor;
  readonly approver: Requestor;
  readonly port: 22 | 3389;
  readonly source: string;
  readonly justification: string;
  readonly callId: string;
  /** How long the window is wanted. */
  readonly minutes: number;
}

type Story = (scene: Scene) => readonly Fact[];

/** No story is longer. */
export const longestStoryMs = 6 * 3_600_000;

/** One request from asking until the port is closed and that is proven, with somebody's approval. */
export const approved: Story = (scene) => [
  asked(scene, { awaits: { approvals: 1, answerBy: later(scene, 3_600), approvers: ["oncall"] } }),
  told(scene, 240, "access.approve", "done", {
    actor: scene.approver,
    comment: "Agreed on the phone.",
  }),
  ...window(scene, 241, 240 + scene.minutes * 60, "Expired"),
];

/** The same, but a rule of the policy approves at once. */
export const approvedByRule: Story = (scene) => [
  asked(scene, { approvedByRule: 0 }),
  ...window(scene, 1, scene.minutes * 60, "Expired"),
];

/** The same, but the requestor ends it before its time. */
export const endedEarly: Story = (scene) => {
  const end = Math.floor(scene.minutes * 30);
  return [
    asked(scene, { approvedByRule: 0 }),
    ...window(scene, 1, end, "UserRequested"),
    told(scene, end - 1, "access.revoke", "asked", {
      actor: scene.requestor,
      comment: "Done earlier than planned.",
    }),
  ];
};

/** Nobody answers in time. */
export const unanswered: Story = (scene) => [
  asked(scene, { awaits: { approvals: 1, answerBy: later(scene, 3_600), approvers: ["oncall"] } }),
  told(scene, 3_600, "access.expire", "done", {}),
];

/** Refused at the door. */
export const refused: Story = (scene) => [
  asked(scene, {
    outcome: "refused",
    reasons: [
      {
        code: "AuthorizationFailed",
        message: `'${scene.requestor.name}' may not request access to '${scene.vm.id}'. Ask an owner of that scope for a role assignment.`,
        target: "virtualMachines[0].id",
      },
    ],
  }),
];

/** Somebody took a rule of ours away, and the sweep put it back. */
export const repaired: Story = (scene) => [
  {
    version: 1,
    id: `${scene.requestId}.gate.repair.done`,
    at: later(scene, 0),
    operation: "gate.repair",
    outcome: "done",
    subscriptionId: scene.vm.subscriptionId,
    policyId: scene.vm.policyId,
    vmId: scene.vm.id,
    gates: [gateOf(scene, "Deny", 0)],
  },
];

function window(
  scene: Scene,
  opens: number,
  closes: number,
  endReason: NonNullable<Fact["endReason"]>,
): readonly Fact[] {
  return [
    told(scene, opens, "access.open", "asked", {}),
    written(scene, opens + 1, "asked", "open"),
    written(scene, opens + 9, "done", "open"),
    told(scene, opens + 10, "access.open", "done", { gates: [gateOf(scene, "Allow", opens + 9)] }),
    told(scene, closes, "access.close", "asked", { endReason }),
    written(scene, closes + 1, "asked", "close"),
    written(scene, closes + 8, "done", "close"),
    told(scene, closes + 9, "access.close", "done", {
      endReason,
      gates: [gateOf(scene, "Allow", closes + 8)],
    }),
  ];
}

/** A write of the gate: before it, and when it was read back. */
function written(
  scene: Scene,
  after: number,
  outcome: "asked" | "done",
  step: "open" | "close",
): Fact {
  const rule = JSON.stringify({
    access: "Allow",
    direction: "Inbound",
    priority: 100,
    protocol: "Tcp",
    sourceAddressPrefix: scene.source,
    destinationAddressPrefix: scene.vm.address,
    destinationPortRange: String(scene.port),
    description: `JIT Access window ${windowId(scene)} closes ${closesAt(scene)}`,
  });
  const path = ruleName(scene, "Allow");
  const gate = gateOf(scene, "Allow", after);
  const more: Partial<Fact> =
    outcome === "done"
      ? { gates: [gate] }
      : {
          gates: [{ id: gate.id, rules: gate.rules }],
          changes: [step === "open" ? { path, after: rule } : { path, before: rule }],
        };
  const id = `${windowId(scene)}.gate.write.${outcome}.${step}`;
  return told(scene, after, "gate.write", outcome, { ...more, id });
}

function asked(scene: Scene, more: Partial<Fact>): Fact {
  return told(scene, 0, "access.initiate", "asked", {
    actor: scene.requestor,
    origin: { address: scene.source, callId: scene.callId },
    ...more,
  });
}

function told(
  scene: Scene,
  after: number,
  operation: Fact["operation"],
  outcome: Fact["outcome"],
  more: Partial<Fact>,
): Fact {
  return {
    ...common(scene),
    id: `${windowId(scene)}.${operation}.${outcome}`,
    at: later(scene, after),
    operation,
    outcome,
    ...more,
  };
}

function common(scene: Scene) {
  const { vm, requestId, requestor, port, source, justification } = scene;
  return {
    version: 1 as const,
    subscriptionId: vm.subscriptionId,
    policyId: vm.policyId,
    vmId: vm.id,
    requestId,
    windowId: windowId(scene),
    requestor,
    port,
    protocol: "TCP",
    sources: [source],
    closesAt: closesAt(scene),
    justification,
  };
}

function gateOf(scene: Scene, kind: "Allow" | "Deny", after: number) {
  return {
    id: scene.vm.gateId,
    rules: [ruleName(scene, kind)],
    readAt: later(scene, after),
    etag: `W/"${scene.callId}"`,
  };
}

const windowId = ({ requestId, port }: Scene): string => `${requestId}-0-${port}`;
const ruleName = (scene: Scene, kind: string): string =>
  `JitAccess-0a1b2c-${kind}-${windowId(scene)}-v4`;
const closesAt = (scene: Scene): string => later(scene, 240 + scene.minutes * 60);
const later = ({ at }: Scene, seconds: number): string =>
  new Date(at.getTime() + seconds * 1_000).toISOString();
