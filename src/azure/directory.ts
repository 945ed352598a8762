import { z } from "zod";
import type { Principal } from "../caller/caller.ts";
import type { Clock, Directory, Freshness } from "../ports.ts";
import { bodyOf } from "./arm-answer.ts";
import { type ArmOptions, createArmHttp, type SendToArm } from "./arm-http.ts";
import { createQuestions, oldest } from "./questions.ts";

/** `endpoint` and `scope` are those of Microsoft Graph: `https://graph.microsoft.com`, `https://graph.microsoft.com/.default`. */
export interface DirectoryOptions extends ArmOptions {
  readonly clock: Clock;
  /** How old an answer may be; never more than 60. @default 60 */
  readonly cacheSeconds?: number | undefined;
}

/** NB. An account that was disabled may count as enabled for as long as an answer is kept. */
const longestCacheSeconds = 60;
const keptAnswers = 5_000;
/** The most that Graph takes at once (learn.microsoft.com/graph/api/directoryobject-checkmembergroups). */
const groupsAtOnce = 20;

const guid = z.guid();
const account = z.object({ accountEnabled: z.boolean().nullish() });
const memberships = z.object({ value: z.array(z.string()) });

/**
 * The directory as Microsoft Graph tells it. Needs the application permissions User.Read.All and GroupMember.Read.All, and
 * Application.Read.All for callers that are applications. Whoever Graph does not know is not enabled and in no group;
 * throws when Graph does not answer, or may not be asked.
 */
export function createDirectory(options: DirectoryOptions): Directory {
  const keptMs = Math.min(options.cacheSeconds ?? longestCacheSeconds, longestCacheSeconds) * 1_000;
  const questions = createQuestions({ clock: options.clock, keptMs });
  const enabled = questions.answers<boolean>(keptAnswers);
  const held = questions.answers<readonly string[]>(keptAnswers);
  const send = createArmHttp(options);
  const base = `${options.endpoint.replace(/\/+$/, "")}/v1.0`;
  const since = ({ fresh = false }: Freshness) => (fresh ? questions.moment() : undefined);

  return {
    async isEnabled(principal, freshness = {}) {
      const id = idOf(principal);
      const key = `${keyOf(principal)}/${principal.kind ?? ""}`;
      const load = () => readEnabled(send, base, id, principal.kind);
      const moment = since(freshness);
      return await questions.young(() => enabled.get(key, load, moment));
    },

    async groupsOf(principal, groupIds, freshness = {}) {
      const id = idOf(principal);
      const moment = since(freshness);
      // NB. The ids become part of a request: what is no GUID is no group.
      const asked = new Set(
        groupIds.filter((each) => guid.safeParse(each).success).map((each) => each.toLowerCase()),
      );
      const load = (batch: readonly string[]) => () => readGroups(send, base, id, batch);
      const found = await questions.young(async () => {
        const answers = await Promise.all(
          batches([...asked].toSorted()).map((batch) =>
            held.get(`${keyOf(principal)}/${batch.join()}`, load(batch), moment),
          ),
        );
        // Nothing to ask about is never old.
        const askedAt = answers.length > 0 ? oldest(...answers) : options.clock.now().getTime();
        return { answer: answers.flatMap(({ answer }) => answer), askedAt };
      });
      return new Set(found);
    },
  };
}

/**
 * For deployments that may not ask Microsoft Graph: everybody is enabled, as their token was issued to them, and in no group.
 * NB. Not for deny assignments: there nobody knows is not the same as no.
 */
export const noDirectory: Directory = {
  isEnabled: async () => true,
  groupsOf: async () => new Set<string>(),
};

/** NB. The id becomes part of an address: nothing but a GUID may. */
function idOf({ objectId }: Principal): string {
  return guid.parse(objectId).toLowerCase();
}

/** An object id is unique in its tenant only. */
function keyOf(principal: Principal): string {
  return `${principal.tenantId.toLowerCase()}/${idOf(principal)}`;
}

async function readEnabled(
  send: SendToArm,
  base: string,
  id: string,
  kind: Principal["kind"],
): Promise<boolean> {
  const collections =
    kind === undefined
      ? ["users", "servicePrincipals"]
      : [kind === "user" ? "users" : "servicePrincipals"];
  for (const collection of collections) {
    // Without `$select` a user comes without this property.
    const url = `${base}/${collection}/${id}?$select=id,accountEnabled`;
    const answer = await send({ method: "GET", url });
    if (answer.status !== 404) {
      return bodyOf(answer, account, "The account in Microsoft Graph").accountEnabled === true;
    }
  }
  return false;
}

async function readGroups(
  send: SendToArm,
  base: string,
  id: string,
  groupIds: readonly string[],
): Promise<readonly string[]> {
  const url = `${base}/directoryObjects/${id}/checkMemberGroups`;
  const answer = await send({ method: "POST", url, body: JSON.stringify({ groupIds }) });
  if (answer.status === 404) {
    return [];
  }
  const { value } = bodyOf(answer, memberships, "The groups of an account in Microsoft Graph");
  return value.map((each) => each.toLowerCase()).filter((each) => groupIds.includes(each));
}

function batches(ids: readonly string[]): readonly (readonly string[])[] {
  return Array.from({ length: Math.ceil(ids.length / groupsAtOnce) }, (_, index) =>
    ids.slice(index * groupsAtOnce, (index + 1) * groupsAtOnce),
  );
}
