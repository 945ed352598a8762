import { z } from "zod";
import type { GateReading, Progress, WriteOutcome } from "../ports.ts";
import { isFirewallChange } from "../rules/changed-gate.ts";
import type { GateRule } from "../rules/gate.ts";
import type { Owner } from "../rules/intent.ts";
import type { RuleChange } from "../rules/nsg-plan.ts";
import { type ArmAnswer, type ArmRequest, retryAfterMs, type SendToArm } from "./arm-http.ts";
import { beginWrite, lookAt, type Operation } from "./arm-operation.ts";
import { ArmError, changed, outcomeOfFailure, parseAzureError, parseJson } from "./azure-error.ts";
import { changedFirewall, changedGroup } from "./firewall-bodies.ts";
import { firewallKind, isIdOf, resourceUrl, ruleGroupKind } from "./resource-kinds.ts";

export interface FirewallWrites {
  write(reading: GateReading, changes: readonly RuleChange<GateRule>[]): Promise<WriteOutcome>;
  progress(gateId: string, operation: string): Promise<Progress>;
}

interface Options {
  readonly send: SendToArm;
  readonly endpoint: string;
  readonly owner: Pick<Owner, "tag">;
  readonly pollMs: number;
}

/** Writes of firewalls: each is one request, and nobody waits for its end. */
export function createFirewallWrites({ send, endpoint, owner, pollMs }: Options): FirewallWrites {
  return {
    async write(reading, changes) {
      const request = requestFor(reading, changes, owner);
      if (request === undefined) {
        return { outcome: "written" };
      }
      const { id } = reading.gate;
      const since = await changeSince(send, reading);
      if (since !== undefined) {
        return since;
      }
      const begun = await beginWrite(send, request, id);
      return begun.outcome === "running"
        ? { outcome: "started", operation: tokenOf(begun.operation) }
        : begun;
    },

    async progress(gateId, token) {
      const operation = operationOf(token, gateId, endpoint);
      return operation === undefined
        ? changed("The write under way can no longer be asked about.")
        : await lookAt(send, operation, gateId, pollMs);
    },
  };
}

const kindOf = (gateId: string) => (isIdOf(gateId, firewallKind) ? firewallKind : ruleGroupKind);
const urlOf = (gateId: string): string => resourceUrl(gateId, kindOf(gateId));

/** Nothing where there is nothing to write: no rule in a group that is not there. */
function requestFor(
  { gate, raw, etag }: GateReading,
  given: readonly RuleChange<GateRule>[],
  owner: Pick<Owner, "tag">,
): ArmRequest | undefined {
  const changes = given.filter(isFirewallChange);
  const isClassic = kindOf(gate.id) === firewallKind;
  const body = isClassic ? changedFirewall(raw, changes, owner) : changedGroup(raw, changes, owner);
  if (body === undefined && raw === undefined) {
    return undefined;
  }
  // NB. Not on a group: it is ours alone, and nobody says which form of its bare etag Azure would want there. The wrong one would
  // keep us from ever writing to it, and from closing.
  const guard = isClassic && etag !== "" ? { ifMatch: etag } : {};
  return body === undefined
    ? { method: "DELETE", url: urlOf(gate.id), ...guard }
    : { method: "PUT", url: urlOf(gate.id), body: JSON.stringify(body), ...guard };
}

/** Somebody may be at work in the gate: their write, and ours, is soon over or soon seen. */
const readAgainMs = 1_000;

/**
 * Why the reading is no longer good to write by; nothing when it is. NB. No source says that Azure honours `If-Match` here: this
 * look keeps the moment in which somebody's edit could be lost as short as it can be.
 */
async function changeSince(
  send: SendToArm,
  { gate, etag, raw }: GateReading,
): Promise<Exclude<WriteOutcome, { readonly outcome: "started" }> | undefined> {
  const answer = await lastLook(send, urlOf(gate.id));
  if (answer instanceof ArmError) {
    return changed(answer.message, readAgainMs);
  }
  if (answer.status === 404 && raw === undefined) {
    return undefined;
  }
  if (answer.status === 404 && kindOf(gate.id) === ruleGroupKind) {
    // NB. Not taken for its end: a look may be older than the group is, and the next reading tells.
    return changed("The last look did not find it.", readAgainMs);
  }
  if (answer.status !== 200) {
    const error = parseAzureError(answer.text);
    return outcomeOfFailure(
      { status: answer.status, error, retryAfterMs: retryAfterMs(answer) },
      gate.id,
    );
  }
  const now = z.object({ etag: z.string() }).safeParse(parseJson(answer.text)).data?.etag ?? "";
  return now === etag
    ? undefined
    : changed("Somebody has written to it since it was read.", readAgainMs);
}

async function lastLook(send: SendToArm, url: string): Promise<ArmAnswer | ArmError> {
  try {
    return await send({ method: "GET", url });
  } catch (error) {
    if (error instanceof ArmError) {
      return error;
    }
    throw error;
  }
}

/** A signed address is some 4 kB long. */
const longestUrl = 16_000;
const tokenSchema = z.object({
  kind: z.enum(["status", "location", "resource"]),
  url: z.string().max(longestUrl).optional(),
  firstRetryAfterMs: z.number().positive().optional(),
});

function tokenOf({ kind, url, firstRetryAfterMs }: Operation): string {
  return JSON.stringify({ kind, ...(kind === "resource" ? {} : { url }), firstRetryAfterMs });
}

/** NB. A stored address is data: asked anywhere but at Azure's own, it would hand our token to whoever wrote it. */
function operationOf(token: string, gateId: string, endpoint: string): Operation | undefined {
  const { data } = tokenSchema.safeParse(parseJson(token));
  const url = data?.kind === "resource" ? new URL(urlOf(gateId), endpoint).href : data?.url;
  return data !== undefined && url !== undefined && isOfArm(url, endpoint)
    ? { ...data, url }
    : undefined;
}

function isOfArm(url: string, endpoint: string): boolean {
  const { protocol = "", host = "" } = URL.canParse(url) ? new URL(url) : {};
  const own = new URL(endpoint).host;
  return protocol === "https:" && (host === own || host.endsWith(`.${own}`));
}
