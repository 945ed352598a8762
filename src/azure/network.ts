import { setTimeout as pauseFor } from "node:timers/promises";
import { z } from "zod";
import type { GateReading, Network, WriteOutcome } from "../ports.ts";
import { type RuleChange, removalsOf } from "../rules/nsg-plan.ts";
import { type ArmOptions, type ArmRequest, createArmHttp } from "./arm-http.ts";
import { type Patience, writeAndWait } from "./arm-write.ts";
import { armErrorFrom, parseJson } from "./azure-error.ts";
import { createMachineFinder } from "./machine.ts";
import { applyChanges, readGroup, ruleToJson } from "./nsg-json.ts";
import { createSurvey } from "./survey.ts";

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
/** The network behind Azure Resource Manager. VMs are read through the SDK; gates raw, because a model drops what it does not know. */
export function createNetwork(options: NetworkOptions): Network {
  const send = createArmHttp(options);
  const patience: Patience = {
    pollMs: options.pollMs,
    maxWaitMs: options.maxWaitMs ?? defaultMaxWaitMs,
    pause: options.pause ?? (async (milliseconds) => void (await pauseFor(milliseconds))),
  };

  return {
    ...createSurvey(send, options.endpoint, apiVersion),
    findMachine: createMachineFinder(options),

    async publicAddress(publicIpId) {
      const answer = await send({ method: "GET", url: resourceUrl(publicIpId, publicIpKind) });
      if (answer.status === 404) {
        return undefined;
      }
      if (answer.status !== 200) {
        throw armErrorFrom(answer, `${publicIpId} cannot be read`);
      }
      return publicIp.parse(parseJson(answer.text)).properties.ipAddress ?? undefined;
    },

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
      const { id } = reading.group;
      async function inTurn(requests: readonly ArmRequest[]): Promise<WriteOutcome> {
        for (const request of requests) {
          // One after the other: Azure cancels a write to an NSG that still runs when the next one arrives.
          const result: WriteOutcome = await writeAndWait(send, request, id, patience);
          if (result.outcome !== "written") {
            return result;
          }
        }
        return { outcome: "written" };
      }

      if (!goesWhole(reading, changes)) {
        return await inTurn(changes.map((change) => requestFor(id, change)));
      }
      const whole = await inTurn([wholeRequest(reading, changes)]);
      if (whole.outcome !== "refused") {
        return whole;
      }
      // NB. What Azure refuses of the rest must not keep open what is to be closed: rules that only go are taken away alone.
      const removals = removalsOf(reading.group, changes);
      const removed = await inTurn(removals.map((change) => requestFor(id, change)));
      return removed.outcome === "changed" ? removed : whole;
    },
  };
}

/**
 * Several changes are one conditional write of the whole group: one after the other takes Azure its time for each, and a rule
 * that another takes the place of must not be missing in between. NB. Without an etag a whole write could delete what others
 * added meanwhile; rule by rule it cannot.
 */
const goesWhole = (reading: GateReading, changes: readonly RuleChange[]): boolean =>
  reading.etag !== "" && changes.length > 1;

function wholeRequest(reading: GateReading, changes: readonly RuleChange[]): ArmRequest {
  const body = JSON.stringify(applyChanges(reading.raw, changes));
  return { method: "PUT", url: gateUrl(reading.group.id), body, ifMatch: reading.etag };
}

function requestFor(gateId: string, change: RuleChange): ArmRequest {
  if (change.kind === "delete") {
    return { method: "DELETE", url: gateUrl(gateId, `securityRules/${change.name}`) };
  }
  const body = JSON.stringify(ruleToJson(change.rule));
  return { method: "PUT", url: gateUrl(gateId, `securityRules/${change.rule.name}`), body };
}

const publicIpKind = {
  name: "public IP address",
  pattern:
    /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Network\/publicIPAddresses\/[^/]+$/i,
};
const publicIp = z.object({ properties: z.object({ ipAddress: z.string().nullish() }) });

const gateKind = {
  name: "network security group",
  pattern:
    /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Network\/networkSecurityGroups\/[^/]+$/i,
};

/** NB. Ids are data from elsewhere: every segment is encoded and none may climb, so that no id leads to another resource. */
function gateUrl(gateId: string, below = ""): string {
  return resourceUrl(gateId, gateKind, below);
}

function resourceUrl(id: string, { name, pattern }: typeof gateKind, below = ""): string {
  const segments = `${id}/${below}`.replace(/\/$/, "").split("/");
  if (!pattern.test(id) || segments.includes("..") || segments.includes(".")) {
    throw new Error(`'${id}' is not the id of a ${name}.`);
  }
  return `${segments.map(encodeURIComponent).join("/")}?api-version=${apiVersion}`;
}
