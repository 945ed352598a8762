import { setTimeout as pauseFor } from "node:timers/promises";
import type { GateReading, Network } from "../ports.ts";
import { isFirewallGate } from "../rules/gate.ts";
import type { Owner } from "../rules/intent.ts";
import { type ArmOptions, createArmHttp } from "./arm-http.ts";
import { createArmList } from "./arm-list.ts";
import type { Patience } from "./arm-write.ts";
import { armErrorFrom, parseJson } from "./azure-error.ts";
import { readClassicGate } from "./firewall-reading.ts";
import { createFirewallWrites } from "./firewall-writes.ts";
import { createMachineFinder } from "./machine.ts";
import { readGroup } from "./nsg-json.ts";
import { writeGroup } from "./nsg-writes.ts";
import { readPolicyGate } from "./policy-reading.ts";
import {
  firewallKind,
  isIdOf,
  publicIpKind,
  resourceUrl,
  securityGroupKind,
} from "./resource-kinds.ts";
import { createReads, valueIn } from "./resource-reads.ts";
import { createSurvey } from "./survey.ts";

export interface NetworkOptions extends ArmOptions {
  /** Whose rule collections may be written in firewalls, and whose group in firewall policies. */
  readonly owner: Pick<Owner, "tag">;
  /** Between two looks at a running operation, where Azure names no pause of its own. */
  readonly pollMs: number;
  /** A write that has not ended by then counts as of unknown effect. @default 600000 */
  readonly maxWaitMs?: number | undefined;
  /** @default a timer */
  readonly pause?: ((milliseconds: number) => Promise<void>) | undefined;
}

const defaultMaxWaitMs = 600_000;

/** The network behind Azure Resource Manager. VMs are read through the SDK; gates raw, because a model drops what it does not know. */
export function createNetwork(options: NetworkOptions): Network {
  const { endpoint, owner, pollMs } = options;
  const send = createArmHttp(options);
  const list = createArmList(send, endpoint);
  const patience: Patience = {
    pollMs,
    maxWaitMs: options.maxWaitMs ?? defaultMaxWaitMs,
    pause: options.pause ?? (async (milliseconds) => void (await pauseFor(milliseconds))),
  };
  const firewalls = createFirewallWrites({ send, endpoint, owner, pollMs });

  async function readSecurityGroup(gateId: string): Promise<GateReading | undefined> {
    const answer = await send({ method: "GET", url: resourceUrl(gateId, securityGroupKind) });
    if (answer.status === 404) {
      return undefined;
    }
    if (answer.status !== 200) {
      throw armErrorFrom(answer, `${gateId} cannot be read`);
    }
    const raw = parseJson(answer.text);
    const { group, etag, isUpdating } = readGroup(raw, gateId);
    return { gate: group, isUpdating, etag: etag ?? answer.header("etag") ?? "", raw };
  }

  return {
    ...createSurvey(send, list, owner),
    findMachine: createMachineFinder(options, send),

    async publicAddress(publicIpId) {
      // NB. An id of another kind is a fault here, not one that is missing.
      resourceUrl(publicIpId, publicIpKind);
      const found = valueIn(await createReads(send)(publicIpKind, publicIpId));
      return found?.properties.ipAddress ?? undefined;
    },

    async readGate(gateId) {
      if (!isFirewallGate(gateId)) {
        return await readSecurityGroup(gateId);
      }
      const read = createReads(send);
      return isIdOf(gateId, firewallKind)
        ? await readClassicGate(gateId, read)
        : await readPolicyGate(gateId, { list, read });
    },

    write: (reading, changes) =>
      isFirewallGate(reading.gate.id)
        ? firewalls.write(reading, changes)
        : writeGroup(send, reading, changes, patience),
    progress: firewalls.progress,
  };
}
