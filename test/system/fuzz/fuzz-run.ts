import { readFile } from "node:fs/promises";
import type { RunningSystem } from "../../support/running-system.ts";
import type { ArmNsg, User } from "../user.ts";
import { aimOf } from "./aims.ts";
import { Chance } from "./chance.ts";
import { Connection, type Server } from "./connection.ts";
import { bytesOf, type FuzzCall } from "./fuzz-call.ts";
import type { WireAnswer } from "./http-answer.ts";
import { gatherIdentities, type Identities } from "./identities.ts";
import { putPolicy } from "./intents.ts";
import { judgeAnswer, parsed } from "./judge-answer.ts";
import { judgeRules } from "./judge-rules.ts";
import type { World } from "./known-world.ts";
import { Ledger } from "./ledger.ts";
import { callOf, nextCalls } from "./next-call.ts";
import { noteDecision } from "./note-decisions.ts";
import { type Judgement, notePolicy, type Told } from "./note-policies.ts";
import { noteRequest } from "./note-requests.ts";
import { Tally } from "./tally.ts";

/** What a run is made of. */
interface Parts {
  readonly user: User;
  readonly tenantId: string;
  readonly seed: number;
  /** One connection each; all of them call at once. */
  readonly servers: readonly Server[];
  readonly identities: Identities;
  readonly trace: (line: string) => void;
}

interface Worker {
  readonly world: World;
  readonly connection: Connection;
}

const portOf = (url: string): number => Number(new URL(url).port);

/** Strangers, owners and everybody in between calling the running system with all that one may call it with. */
export class FuzzRun {
  readonly tally = new Tally();
  readonly ledger = new Ledger();
  /** What should not have been, a sentence each. */
  readonly wrongs: string[] = [];
  /** Windows of which a rule was seen. */
  readonly opened = new Set<string>();
  /** What is to be judged once no call is under way. */
  #later: Judgement[] = [];
  readonly #user: User;
  readonly #identities: Identities;
  readonly #workers: readonly Worker[];
  readonly #trace: (line: string) => void;

  private constructor({ user, tenantId, seed, servers, identities, trace }: Parts) {
    this.#user = user;
    this.#identities = identities;
    this.#trace = trace;
    const where = { subscriptionId: user.subscriptionId, tenantId };
    // Chances of its own for each, so that nobody's pace changes what the others do.
    this.#workers = servers.map((server, index) => ({
      connection: new Connection(server),
      world: { chance: new Chance(`${seed}/${index}`), where, ledger: this.ledger },
    }));
  }

  /** `trace` is given a line for every call that was made. */
  static async begin(
    system: RunningSystem,
    user: User,
    seed: number,
    trace: (line: string) => void,
  ): Promise<FuzzRun> {
    const { api, apiHttps, caFile, tenantId } = system.endpoints;
    const secure = { port: portOf(apiHttps), ca: await readFile(caFile, "utf8") };
    const plain = { port: portOf(api) };
    const servers = [secure, secure, plain, plain, plain, plain, plain, plain];
    const identities = await gatherIdentities(system, user);
    return new FuzzRun({ user, tenantId, seed, servers, identities, trace });
  }

  /** A few policies to begin with. */
  async setUp(): Promise<void> {
    await Promise.all(
      this.#workers.slice(0, 4).map(async ({ world, connection }) => {
        const call = callOf(world, this.#identities, { ...putPolicy(world), person: "sam" });
        await this.#exchange(world, connection, [call]);
      }),
    );
  }

  /** So many calls, and when all are answered a look at the rules. */
  async round(calls: number): Promise<void> {
    const quota = Math.ceil(calls / this.#workers.length);
    await Promise.all(
      this.#workers.map(async ({ world, connection }) => {
        for (let left = quota; left > 0; ) {
          const next = nextCalls(world, this.#identities, left);
          await this.#exchange(world, connection, next);
          left -= next.length;
        }
      }),
    );
    await this.look();
  }

  /** Judges every rule there is now. */
  async look(): Promise<readonly ArmNsg[]> {
    this.ledger.policies.settle();
    this.#blame(this.#later.flatMap((judge) => judge()));
    this.#later = [];
    const now = Date.now();
    const groups = await this.#user.nsgs();
    this.#blame(judgeRules(this.ledger, groups, now));
    for (const { name } of groups.flatMap(({ properties }) => properties.securityRules)) {
      const [, window] = /-Allow-(.*)-v[46]$/.exec(name) ?? [];
      this.opened.add(window ?? "");
    }
    this.opened.delete("");
    return groups;
  }

  #blame(wrongs: readonly string[]): void {
    this.wrongs.push(...wrongs);
    for (const wrong of wrongs) {
      this.#trace(`WRONG ${wrong}`);
    }
  }

  close(): void {
    for (const { connection } of this.#workers) {
      connection.close();
    }
  }

  async #exchange(world: World, connection: Connection, calls: readonly FuzzCall[]) {
    const wire = calls.map((call) => ({
      bytes: bytesOf(call),
      isHead: call.method === "HEAD",
      isLast: call.raw !== undefined,
    }));
    const sentAt = Date.now();
    const answers = await connection.exchange(wire).catch((error: unknown) => {
      this.#blame([`${error}: ${calls.map(describe)}`]);
      return [];
    });
    const answeredAt = Date.now();
    for (const [index, call] of calls.entries()) {
      this.#judge(world, call, answers[index], { sentAt, answeredAt });
    }
  }

  #judge(
    world: World,
    call: FuzzCall,
    answer: WireAnswer | undefined,
    times: Pick<Told, "sentAt" | "answeredAt">,
  ): void {
    this.tally.count(call.purpose, answer?.status ?? 0, times.answeredAt - times.sentAt);
    const told: Told = {
      ...times,
      call,
      aim: aimOf(call),
      status: answer?.status ?? 0,
      body: parsed(answer?.text ?? ""),
    };
    const say = (fault: string) =>
      `${at(times.sentAt)} ${describe(call)}: ${fault} (${told.status} ${answer?.text.slice(0, 300)})`;
    const faults = answer === undefined ? noAnswerFaults(call) : judgeAnswer(call, answer);
    this.#blame(faults.map(say));
    this.#trace(
      `${at(times.sentAt)} ${at(times.answeredAt)} ${told.status} ${describe(call)} => ${answer?.text.slice(0, 500)}`,
    );
    const judge = noted(world, told);
    this.#later.push(() => judge().map(say));
  }
}

const at = (time: number): string => new Date(time).toISOString();

/** The server may close on what is no call. */
const noAnswerFaults = (call: FuzzCall): readonly string[] =>
  call.raw === undefined ? ["was not answered"] : [];

/** Notes what a permitted call asked for. */
function noted({ ledger, where }: World, told: Told): Judgement {
  const { aim, call, status } = told;
  if (aim === "policy" && (call.method === "PUT" || call.method === "DELETE")) {
    const faults = notePolicy(ledger, told, where);
    return () => faults;
  }
  if (call.method !== "POST" || status >= 300 || status === 0) {
    return nothing;
  }
  switch (aim) {
    case "initiate":
    case "extend":
    case "rebind":
      return noteRequest(ledger, told, where);
    case "approve":
    case "deny":
    case "review":
    case "revoke":
      return noteDecision(ledger, told);
    default:
      return nothing;
  }
}

const nothing: Judgement = () => [];

/** The call in one line, without its token. */
function describe({ purpose, method, target, identity, headers, body, raw }: FuzzCall): string {
  const said = (raw ?? body)?.toString().slice(0, 1_500) ?? "";
  return `[${purpose}] ${identity.person ?? "nobody"} ${method} ${target.slice(0, 300)} ${JSON.stringify(headers).slice(0, 300)} ${said}`;
}
