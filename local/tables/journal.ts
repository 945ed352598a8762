import { appendFileSync, closeSync, mkdirSync, openSync, readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";

/** What happened to one document or one collection; replayed in order, twice does no harm. */
export type Change =
  | readonly ["put", collection: string, document: Document]
  | readonly ["remove", collection: string, document: Document]
  | readonly ["create collection", collection: string]
  | readonly ["drop collection", collection: string];

type Document = Readonly<Record<string, unknown>>;

const FILE_NAME = /^journal-(\d+)\.jsonl$/;

/**
 * An append-only file of changes beside a snapshot. A line is one transaction: a kill leaves it whole or, cut short at the
 * end of the file, as if it had never been. Written before the answer is sent, without `fsync`: it outlives any kill of the
 * process, not a power cut.
 */
export class Journal {
  readonly #dir: string;
  #number: number;
  #file: number;
  #bytes = 0;

  private constructor(dir: string, number: number) {
    this.#dir = dir;
    this.#number = number;
    this.#file = openSync(pathOf(dir, number), "a");
  }

  /** Starts a new file; those of former runs stay until `forgetOlder`. */
  static open(dir: string): Journal {
    mkdirSync(dir, { recursive: true });
    return new Journal(dir, (numbersIn(dir).at(-1) ?? 0) + 1);
  }

  /** Bytes in the present file. */
  get bytes(): number {
    return this.#bytes;
  }

  append(transaction: readonly Change[]): void {
    const line = `${JSON.stringify(transaction)}\n`;
    appendFileSync(this.#file, line);
    this.#bytes += Buffer.byteLength(line);
  }

  /** Goes on in a new file: what a snapshot taken now does not hold will be in that one. */
  startNewFile(): void {
    const former = this.#file;
    this.#number += 1;
    this.#file = openSync(pathOf(this.#dir, this.#number), "a");
    this.#bytes = 0;
    closeSync(former);
  }

  /** Deletes the files before the present one, once a snapshot holds what they say. */
  async forgetOlder(): Promise<void> {
    const older = numbersIn(this.#dir).filter((number) => number < this.#number);
    for (const number of older) await rm(pathOf(this.#dir, number), { force: true });
  }
}

/** Every transaction that former runs wrote in `dir`, oldest first. */
export function* readJournals(dir: string): Generator<readonly Change[]> {
  for (const number of numbersIn(dir)) {
    const lines = readFileSync(pathOf(dir, number), "utf8").split("\n");
    // What follows the last line break is empty, or the write that a kill cut short: nobody was told that it was done.
    for (const line of lines.slice(0, -1)) yield JSON.parse(line) as Change[];
  }
}

function numbersIn(dir: string): number[] {
  const numbers = readdirSync(dir).map((name) => Number(FILE_NAME.exec(name)?.[1]));
  return numbers.filter(Number.isInteger).sort((a, b) => a - b);
}

function pathOf(dir: string, number: number): string {
  return join(dir, `journal-${number}.jsonl`);
}
