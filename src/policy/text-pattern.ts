import { RE2JS } from "re2js";
import { quote } from "../reasons.ts";

/** Longest regular expression, in characters. */
const longestPattern = 200;

/**
 * How many steps a compiled expression may have: `.{1000}` has a thousand. Matching takes at most steps times characters; with
 * 2,000 characters that is about a tenth of a second at worst.
 */
const mostSteps = 1_000;

/** A regular expression that was understood. */
export interface TextPattern {
  /** Whether some part of the text matches. */
  readonly isIn: (text: string) => boolean;
}

/** What was wrong with a regular expression. */
export interface PatternFault {
  readonly fault: string;
}

/**
 * Reads a regular expression in RE2's syntax (https://github.com/google/re2/wiki/Syntax): no look-around, no back-references.
 *
 * NB. Never JavaScript's own engine: expressions come from one person, texts from another, and together they could make it
 * search for hours while nothing else in the process is served. This engine's time grows with the text's length alone.
 */
export function readPattern(text: string): TextPattern | PatternFault {
  if (text.length === 0 || text.length > longestPattern) {
    return { fault: `expected 1 to ${longestPattern} characters` };
  }
  try {
    const expression = RE2JS.compile(text);
    return expression.programSize() > mostSteps
      ? { fault: `its repetitions multiply to more than ${mostSteps} steps; use smaller numbers` }
      : { isIn: (searched) => expression.matcher(searched).find() };
  } catch (error) {
    return {
      fault: `it is no regular expression in RE2's syntax, which has neither look-around nor back-references: ${quote(messageOf(error))}`,
    };
  }
}

/** Narrows the answer of {@link readPattern}. */
export function isPattern(value: TextPattern | PatternFault): value is TextPattern {
  return "isIn" in value;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/^error parsing regexp: /, "") : "";
}
