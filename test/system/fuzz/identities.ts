import type { RunningSystem } from "../../support/running-system.ts";
import { createForger } from "../support/forged-tokens.ts";
import type { User } from "../user.ts";
import type { Chance } from "./chance.ts";
import { everybody, type Person } from "./estate.ts";
import type { Identity } from "./fuzz-call.ts";

/** What people have to show, and what others try. */
export interface Identities {
  readonly good: ReadonlyMap<Person, readonly string[]>;
  readonly bad: readonly string[];
}

/** Longer than any run. */
const lastingSeconds = 86_400;

export async function gatherIdentities(system: RunningSystem, user: User): Promise<Identities> {
  const good = await Promise.all(
    everybody.map(async (person) => {
      const tokens = [1, 2].map((version) =>
        user.token(person, `version=${version}&expiresInSeconds=${lastingSeconds}`),
      );
      return [person, await Promise.all(tokens)] as const;
    }),
  );
  const forger = await createForger(system, user, "olivia");
  const other = "99999999-84b7-4f0e-b3c5-2e6a9d71f840";
  const bad = await Promise.all([
    user.token("olivia", "expiresInSeconds=-3600"),
    user.token("olivia", `tenant=${other}`),
    user.token("olivia", "audience=https://management.azure.com"),
    forger.unsigned(),
    forger.hmac(),
    forger.strangers(),
    forger.strangers({ kid: "unknown" }),
    forger.tampered({ oid: other }),
    forger.genuine({ oid: undefined }),
    forger.genuine({ tid: undefined }),
    forger.genuine({ oid: "x') or assignedTo('y" }),
    forger.genuine({}, { kid: "x".repeat(3_000) }),
  ]);
  return { good: new Map(good), bad };
}

/** The person with a good token. */
export function genuine({ good }: Identities, chance: Chance, person: Person): Identity {
  const token = chance.pick(good.get(person) ?? []);
  return { person, isCertain: true, authorization: `Bearer ${token}` };
}

/** Somebody else, nobody, or the person in a way that may not be taken. */
export function otherIdentity(identities: Identities, chance: Chance, person: Person): Identity {
  const token = chance.pick(identities.good.get(person) ?? []);
  const nobody = (authorization: string | undefined): Identity => ({
    person: undefined,
    isCertain: true,
    authorization,
  });
  const perhaps = (authorization: string): Identity => ({
    person,
    isCertain: false,
    authorization,
  });
  return chance.weighted<Identity>([
    [4, () => genuine(identities, chance, chance.pick(everybody))],
    [3, () => nobody(`Bearer ${chance.pick(identities.bad)}`)],
    [1, () => nobody(undefined)],
    [1, () => nobody(chance.pick(["", "Bearer", "Bearer ", "Bearer null", "Negotiate abc"]))],
    [1, () => nobody(`Basic ${Buffer.from("olivia:olivia").toString("base64")}`)],
    [1, () => nobody(`Bearer ${token.slice(0, chance.int(0, token.length - 1))}`)],
    [1, () => nobody(`Bearer ${token.replace(/^[^.]*\.[^.]*/, (head) => flipped(chance, head))}`)],
    [1, () => perhaps(chance.pick([`bearer ${token}`, `Bearer  ${token}`, `BEARER ${token}`]))],
    [1, () => perhaps(`Bearer ${token}, Bearer ${token}`)],
  ]);
}

/** One letter of the signed part is another. */
function flipped(chance: Chance, text: string): string {
  const at = chance.int(0, text.length - 1);
  const letter = text[at] === "A" ? "B" : "A";
  return `${text.slice(0, at)}${letter}${text.slice(at + 1)}`;
}
