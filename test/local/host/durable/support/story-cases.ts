import { isDeepStrictEqual } from "node:util";

const DAY_MS = 86_400_000;

/** A story that comes to an end, and how one sees that it came to the right one. */
export interface StoryCase {
  readonly story: string;
  readonly input?: unknown;
  /** In place of `input` where a real clock runs. */
  readonly quickInput?: unknown;
  /** Raised again and again until the story ends, each time with another number. */
  readonly event?: string;
  /** The effects it must have had, under its own id. */
  readonly does: readonly string[];
  isRight(output: unknown, id: string): boolean;
}

const is = (expected: unknown) => (output: unknown) => isDeepStrictEqual(output, expected);
const words = ["one", "two", "three"];
const numbers = [0, 1, 2, 3, 4];

const isThreeDifferent = (output: unknown) =>
  Array.isArray(output) && output.length === 3 && new Set(output).size === 3;

export const storyCases: readonly StoryCase[] = [
  { story: "steps", does: words, isRight: is(words) },
  { story: "fanOut", does: numbers.map(String), isRight: is(numbers) },
  {
    story: "parent",
    does: ["before"],
    isRight: is({ first: 1, child: words, unnamed: numbers }),
  },
  {
    story: "retrying",
    does: ["flaky"],
    isRight: (output, id) => output === `${id}/flaky done`,
  },
  { story: "retriedChild", does: [], isRight: (output, id) => output === `${id}-kid done` },
  {
    story: "counting",
    input: { left: 3 },
    does: ["left 3", "left 2", "left 1", "left 0"],
    isRight: is({ seen: [3, 2, 1, 0] }),
  },
  {
    story: "window",
    input: { days: 12 },
    quickInput: { days: 0.5 / 86_400 },
    does: ["open", "close"],
    isRight: (output) => (output as { reason?: unknown })?.reason === "time",
  },
  {
    story: "pausing",
    input: { ms: DAY_MS },
    quickInput: { ms: 150 },
    does: ["pause 0", "pause 1", "pause 2", "pause 3"],
    isRight: is("rested"),
  },
  {
    story: "waiting",
    input: { ms: DAY_MS },
    event: "Decision",
    does: ["decided"],
    isRight: (output) => typeof (output as { decision?: unknown })?.decision === "number",
  },
  {
    story: "collecting",
    event: "Item",
    does: ["item 0", "item 1", "item 2"],
    isRight: isThreeDifferent,
  },
  { story: "gathering", event: "Item", does: [], isRight: isThreeDifferent },
];
