import type { Fact } from "../activity/fact.ts";
import { remembered } from "../remembered.ts";
import { type Claims, createClaims, type FilingLog, type Unfinished } from "./activity-claims.ts";
import { createChains } from "./chains.ts";
import type { Tables } from "./client.ts";
import { isTableGone, type Pause } from "./etag.ts";
import { rowsOf } from "./fact-rows.ts";
import { inParallel } from "./in-parallel.ts";

/** Ids of facts that are known to be whole, so that a retry of what was done costs nothing. */
const mostIds = 10_000;

/** Writes facts to where they belong: claimed first, then in each of their chains. */
export interface Filing {
  /** Once it resolves the facts are stored; what could not be put into a chain is there to be finished. */
  record(facts: readonly Fact[]): Promise<void>;
  /** Puts the facts into the chains that lack them; whether all of them lie everywhere now. Never rejects. */
  finish(unfinished: Unfinished): Promise<boolean>;
  readonly claims: Claims;
}

/** The filing of one process. */
export function createFiling(tables: Tables, pause: Pause, log?: FilingLog): Filing {
  const claims = createClaims(tables, pause, log);
  const append = createChains(tables, pause);
  const whole = remembered<true>(mostIds);

  async function finish(unfinished: Unfinished): Promise<boolean> {
    try {
      const chains = Map.groupBy(unfinished.facts.flatMap(rowsOf), ({ chain }) => chain);
      const faults = await inParallel([...chains], ([chain, rows]) =>
        append(chain, rows).then(
          () => undefined,
          (error: unknown) => ({ chain, error }),
        ),
      );
      const fault = faults.find((one) => one !== undefined);
      if (fault !== undefined) {
        log?.factsUnfinished({ count: unfinished.facts.length, ...fault });
        return false;
      }
      await claims.finished(unfinished);
      return true;
    } catch (error) {
      log?.factsUnfinished({ count: unfinished.facts.length, error });
      return false;
    }
  }

  /** A month that was dropped meanwhile begins anew. */
  async function claim(facts: readonly Fact[]): Promise<readonly Unfinished[]> {
    try {
      return await claims.claim(facts);
    } catch (error) {
      if (!isTableGone(error)) {
        throw error;
      }
      tables.activity.forgetAll();
      return claims.claim(facts);
    }
  }

  return {
    claims,
    finish,

    async record(facts) {
      const told = new Map<string, Fact>();
      for (const fact of facts) {
        if (!whole.has(fact.id) && !told.has(fact.id)) {
          told.set(fact.id, fact);
        }
      }
      const isWhole = await inParallel(await claim([...told.values()]), finish);
      if (isWhole.every(Boolean)) {
        for (const id of told.keys()) {
          whole.set(id, true);
        }
      }
    },
  };
}
