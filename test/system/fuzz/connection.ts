import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { takeAnswer, type WireAnswer } from "./http-answer.ts";

export interface Server {
  readonly port: number;
  /** The authority that signed for it, where it speaks TLS. */
  readonly ca?: string;
}

/** A call as bytes. */
export interface WireCall {
  readonly bytes: Buffer;
  /** Its answer has no body though it tells a length. */
  readonly isHead: boolean;
  /** Nothing follows: whoever waits for the rest of it waits in vain. */
  readonly isLast: boolean;
}

/** How long answers may take. A policy waits for its gates: up to half a minute. */
const patienceMs = 90_000;

/** One connection that writes what it is given, well-formed or not, several calls at once if need be. */
export class Connection {
  readonly #server: Server;
  #socket: Socket | undefined;

  constructor(server: Server) {
    this.#server = server;
  }

  /** Writes all calls and reads as many answers; fewer where the server ends the connection. Rejects when answers do not come. */
  async exchange(calls: readonly WireCall[]): Promise<readonly WireAnswer[]> {
    // One that was closed meanwhile tells nothing any more.
    const isOpen = this.#socket !== undefined && !this.#socket.closed && this.#socket.writable;
    const socket = isOpen && this.#socket ? this.#socket : await this.#connect();
    const answers = new Answers(calls);
    const all = Buffer.concat(calls.map(({ bytes }) => bytes));
    try {
      await new Promise<void>((resolve, reject) => {
        socket.setTimeout(patienceMs, () => reject(new Error("No answer in time.")));
        socket.on("data", (chunk: Buffer) => answers.take(chunk) && resolve());
        socket.on("error", () => resolve());
        socket.on("close", () => resolve());
        calls.at(-1)?.isLast ? socket.end(all) : socket.write(all);
      });
    } finally {
      socket.removeAllListeners();
      socket.on("error", () => undefined);
    }
    const taken = answers.all();
    const isKept =
      taken.length === calls.length &&
      taken.every(({ headers }) => headers["connection"] !== "close");
    if (!isKept || calls.at(-1)?.isLast === true) {
      this.close();
    }
    return taken;
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #connect(): Promise<Socket> {
    const { port, ca } = this.#server;
    return new Promise((resolve, reject) => {
      const ready = () => resolve(socket);
      const socket =
        ca === undefined
          ? connectPlain({ port, host: "127.0.0.1" }, ready)
          : connectTls({ port, host: "127.0.0.1", servername: "localhost", ca }, ready);
      socket.once("error", reject);
      socket.setNoDelay(true);
      this.#socket = socket;
    });
  }
}

/** What comes in answer to some calls. */
class Answers {
  readonly #calls: readonly WireCall[];
  readonly #taken: WireAnswer[] = [];
  #left: Buffer = Buffer.alloc(0);

  constructor(calls: readonly WireCall[]) {
    this.#calls = calls;
  }

  /** Whether that was all of it. */
  take(chunk: Buffer): boolean {
    this.#left = this.#left.length === 0 ? chunk : Buffer.concat([this.#left, chunk]);
    this.#takeAll(false);
    return this.#taken.length === this.#calls.length;
  }

  /** All answers, now that nothing comes any more. */
  all(): readonly WireAnswer[] {
    this.#takeAll(true);
    return this.#taken;
  }

  #takeAll(isClosed: boolean): void {
    for (let call = this.#next(); call !== undefined; call = this.#next()) {
      const next = takeAnswer(this.#left, call.isHead, isClosed);
      if (next === undefined) {
        return;
      }
      this.#left = next.rest;
      this.#taken.push(next.answer);
    }
  }

  #next(): WireCall | undefined {
    return this.#calls[this.#taken.length];
  }
}
