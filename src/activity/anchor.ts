import { z } from "zod";
import type { Digest } from "../ports.ts";
import { type Problem, problemKinds } from "./problem.ts";
import type { ChainHead } from "./store.ts";

/** What stood at the ends of the subscriptions' chains at one moment: of those that had changed since the anchor before. */
export interface Anchor {
  /** From 1. */
  readonly sequence: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** The hash of the anchor before; of the first one that of {@link anchorStart}. */
  readonly previous: string;
  readonly heads: readonly ChainHead[];
}

/** An anchor as it is kept: its text is never changed, and what its hash is of. */
export interface KeptAnchor {
  readonly sequence: number;
  readonly at: string;
  readonly text: string;
}

/** Where anchors are kept: the table, or a container that lets nobody change or delete them. Append-only. */
export interface AnchorKeeper {
  /** Keeps it. False, and nothing done, where one of that number is there already. */
  put(anchor: KeptAnchor): Promise<boolean>;
  /** Nothing where there is none yet. */
  newest(): Promise<KeptAnchor | undefined>;
  /** The numbers of all that are kept. */
  numbers(): Promise<ReadonlySet<number>>;
  /** From the first that was written at that moment or later, and the one before it, to the newest; read as they are asked for. */
  since(moment: Date): AsyncIterable<KeptAnchor>;
}

const hash = z.string().regex(/^[\da-f]{64}$/);
/** Months are believed to be some. */
const chainName = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])\//);
const anchorShape = z.object({
  version: z.literal(1),
  sequence: z.int().min(1),
  at: z.iso.datetime(),
  previous: hash,
  heads: z.array(z.object({ chain: chainName, sequence: z.int().min(1), hash })),
});

/** What the first anchor follows. */
function anchorStart(digest: Digest): string {
  return digest("JIT Access anchors 1");
}

/** The anchor that follows another, as it is kept. */
export function nextAnchor(
  digest: Digest,
  before: KeptAnchor | undefined,
  at: Date,
  heads: readonly ChainHead[],
): KeptAnchor {
  const anchor: Anchor = {
    sequence: (before?.sequence ?? 0) + 1,
    at: at.toISOString(),
    previous: before === undefined ? anchorStart(digest) : digest(before.text),
    heads: heads.map(({ chain, sequence, hash }) => ({ chain, sequence, hash })),
  };
  return {
    sequence: anchor.sequence,
    at: anchor.at,
    text: JSON.stringify({ version: 1, ...anchor }),
  };
}

/** What a kept text says; nothing where it is no anchor. */
export function readAnchor({ text, sequence, at }: KeptAnchor): Anchor | undefined {
  const parsed = anchorShape.safeParse(jsonOf(text));
  return parsed.success && parsed.data.sequence === sequence && parsed.data.at === at
    ? parsed.data
    : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Anchors of one keeper in their order: each has to follow the one before it. */
export function anchorChainProblem(
  digest: Digest,
  anchors: readonly KeptAnchor[],
): Problem | undefined {
  let before: KeptAnchor | undefined;
  for (const kept of anchors) {
    const anchor = readAnchor(kept);
    const expected = before === undefined ? undefined : digest(before.text);
    const start = kept.sequence === 1 ? anchorStart(digest) : expected;
    if (before !== undefined && kept.sequence !== before.sequence + 1) {
      return anchorProblem("anchorMissing", { ...before, sequence: before.sequence + 1 });
    }
    if (anchor === undefined || (start !== undefined && anchor.previous !== start)) {
      return anchorProblem("anchorAltered", kept);
    }
    before = kept;
  }
  return undefined;
}

/**
 * What the table and the container say of the same anchors, where they differ. What the container does not have yet is no problem: it may
 * not have answered since.
 */
export function anchorCopiesProblem(
  table: readonly KeptAnchor[],
  container: readonly KeptAnchor[],
): Problem | undefined {
  const [newest, oldest] = [container.at(-1), table[0]];
  if (newest === undefined) {
    return undefined;
  }
  const [own, copied] = [bySequence(table), bySequence(container)];
  const first = Math.min(oldest?.sequence ?? 1, newest.sequence);
  for (let sequence = first; sequence <= newest.sequence; sequence += 1) {
    const [one, other] = [own.get(sequence), copied.get(sequence)];
    if (one?.text !== other?.text) {
      const isGone = one === undefined || other === undefined;
      const { at = "" } = one ?? other ?? {};
      return anchorProblem(isGone ? "anchorMissing" : "anchorAltered", { sequence, at });
    }
  }
  return undefined;
}

function bySequence(anchors: readonly KeptAnchor[]): ReadonlyMap<number, KeptAnchor> {
  return new Map(anchors.map((anchor) => [anchor.sequence, anchor]));
}

function anchorProblem(
  kind: "anchorAltered" | "anchorMissing",
  { sequence, at }: { readonly sequence: number; readonly at: string },
): Problem {
  return { kind, chain: "anchors", sequence, at, message: problemKinds[kind] };
}
