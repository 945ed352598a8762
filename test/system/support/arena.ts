import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { RunningSystem } from "../../support/running-system.ts";
import { User } from "../user.ts";
import { createForger } from "./forged-tokens.ts";
import { createRawClient, type RawAnswer, type RawCall } from "./raw-call.ts";

/** One thing that an attacker tries, and how it is refused. */
export interface Attack {
  readonly case: string;
  readonly status: number;
  readonly code: string;
  /** Whether the refusal is one of a known caller who wanted to change something: then it is a fact. */
  readonly isAudited?: boolean;
  /** Some words of the message. */
  readonly says?: string;
  call(arena: Arena): Promise<RawAnswer>;
}

/** A running system with one policy, `strict`, that lets 203.0.113.0/24 ask for port 22 of vm-linux, and all that attackers have. */
export class Arena {
  readonly system: RunningSystem;
  readonly user: User;
  readonly forger: Awaited<ReturnType<typeof createForger>>;
  readonly client: Awaited<ReturnType<typeof createRawClient>>;
  /** What the attacker's key server was asked for; no good verifier asks it. */
  readonly asked: string[] = [];
  readonly #evil: Server;

  private constructor(
    system: RunningSystem,
    user: User,
    forger: Arena["forger"],
    client: Arena["client"],
  ) {
    this.system = system;
    this.user = user;
    this.forger = forger;
    this.client = client;
    this.#evil = createServer((request, response) => {
      this.asked.push(request.url ?? "");
      response.end(JSON.stringify({ keys: [{ ...forger.strangersJwk, kid: "evil", use: "sig" }] }));
    });
  }

  static async open(): Promise<Arena> {
    const system = await RunningSystem.start({ timing: { nsgWriteMs: 50 }, history: "memory" });
    const user = new User(system);
    await user.protect("sam", "strict", ["vm-linux"], [22], {
      allowedSourceAddressPrefix: "203.0.113.0/24",
    });
    const forger = await createForger(system, user, "olivia");
    const arena = new Arena(system, user, forger, await createRawClient(system));
    await new Promise<void>((resolve) => arena.#evil.listen(0, "127.0.0.1", resolve));
    return arena;
  }

  async close(): Promise<void> {
    this.client.close();
    this.#evil.close();
    await this.system.stop();
  }

  get evilKeys(): string {
    return `http://127.0.0.1:${(this.#evil.address() as AddressInfo).port}/keys`;
  }

  /** The path of the policy, or of what is below it. */
  strict(more = ""): string {
    return `${this.user.policy("strict")}${more}?api-version=2020-01-01`;
  }

  async as(person: string, call: RawCall): Promise<RawAnswer> {
    const authorization = `Bearer ${await this.user.token(person)}`;
    return this.client.call({ ...call, headers: { authorization, ...call.headers } });
  }

  /** Tries to delete the policy with a token. */
  withToken(token: string, headers = {}): Promise<RawAnswer> {
    return this.client.call({
      method: "DELETE",
      path: this.strict(),
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
  }

  /** Asks for port 22 of a VM; a member of the port that is `undefined` is left out. */
  ask(
    person: string,
    {
      id = this.user.vm("vm-linux"),
      path = this.strict("/initiate"),
      port = {},
      headers = {},
    } = {},
  ): Promise<RawAnswer> {
    const usual = {
      number: 22,
      endTimeUtc: new Date(Date.now() + 600_000).toISOString(),
      allowedSourceAddressPrefix: "203.0.113.7",
    };
    const body = JSON.stringify({ virtualMachines: [{ id, ports: [{ ...usual, ...port }] }] });
    return this.as(person, { method: "POST", path, headers, body });
  }
}
