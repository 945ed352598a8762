import { setTimeout as pauseFor } from "node:timers/promises";
import type { GateReading, Network, WriteOutcome } from "../ports.ts";
import type { RuleChange } from "../rules/nsg-plan.ts";
import { type ArmOptions, type ArmRequest, createArmHttp } from "./arm-http.ts";
import { type Patience, writeAndWait } from "./arm-write.ts";
import { armErrorFrom, parseJson } from "./azure-error.ts";
import { createMachineFinder } from "./machine.ts";
import { applyChanges, readGroup, ruleToJson } from "./nsg-json.ts";

export interface NetworkOptions extends ArmOptions {
  /** Between two looks at a running operation, where Azure names no pause of its own. */
  readonly pollMs: number;
  /** A write that has not ended by then counts as of unknown effect. @default 600000 */
  readonly maxWaitMs?: number | undefined;
  /** @default a timer */
  readonly pause?: ((milliseconds: number) => Promise<void>) | undefined;
}

const apiVersion = "2026-01-01";
const defaultMaxWaitMs = 600_000;
/** More changes than this are cheaper, and safe against others, as one conditional write. */
const mostSingleWrites = 2;

/** The network behind Azure Resource Manager. VMs are read through the SDK; gates raw, because a model drops what it does not know. */
export function createNetwork(options: NetworkOptions): Network {
  const send = createArmHttp(options);
  const patience: Patience = {
    pollMs: options.pollMs,
    maxWaitMs: options.maxWaitMs ?? defaultMaxWaitMs,
    pause: options.pause ?? (async (milliseconds) => void (await pauseFor(milliseconds))),
  };

  return {
    findMachine: createMachineFinder(options),

    async readGate(gateId) {
      const answer = await send({ method: "GET", url: gateUrl(gateId) });
      if (answer.status === 404) {
        return undefined;
      }
      if (answer.status !== 200) {
        throw armErrorFrom(answer, `${gateId} cannot be read`);
      }
      const raw = parseJson(answer.text);
      const { group, etag, isUpdating } = readGroup(raw, gateId);
      return { group, isUpdating, etag: etag ?? answer.header("etag") ?? "", raw };
    },

    async write(reading, changes) {
      for (const request of requestsFor(reading, changes)) {
        // One after the other: Azure cancels a write to an NSG that still runs when the next one arrives.
        const result: WriteOutcome = await writeAndWait(send, request, reading.group.id, patience);
        if (result.outcome !== "written") {
          return result;
        }
      }
      return { outcome: "written" };
    },
  };
}

function requestsFor(reading: GateReading, changes: readonly RuleChange[]): readonly ArmRequest[] {
  const { id } = reading.group;
  // NB. Without an etag a whole write could delete what others added meanwhile; rule by rule it cannot.
  if (changes.length <= mostSingleWrites || reading.etag === "") {
    return changes.map((change) => requestFor(id, change));
  }
  const body = JSON.stringify(applyChanges(reading.raw, changes));
  return [{ method: "PUT", url: gateUrl(id), body, ifMatch: reading.etag }];
}

function requestFor(gateId: string, change: RuleChange): ArmRequest {
  if (change.kind === "delete") {
    return { method: "DELETE", url: gateUrl(gateId, `securityRules/${change.name}`) };
  }
  const body = JSON.stringify(ruleToJson(change.rule));
  return { method: "PUT", url: gateUrl(gateId, `securityRules/${change.rule.name}`), body };
}

const gatePattern =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Network\/networkSecurityGroups\/[^/]+$/i;

/** NB. Ids are data from elsewhere: every segment is encoded and none may climb, so that no id leads to another resource. */
function gateUrl(gateId: string, below = ""): string {
  const segments = `${gateId}/${below}`.replace(/\/$/, "").split("/");
  if (!gatePattern.test(gateId) || segments.includes("..") || segments.includes(".")) {
    throw new Error(`'${gateId}' is not the id of a network security group.`);
  }
  return `${segments.map(encodeURIComponent).join("/")}?api-version=${apiVersion}`;
}
