import type { AccessRules } from "../policy/access-rules.ts";
import { isPattern, readPattern } from "../policy/text-pattern.ts";
import { quote, type Reason } from "../reasons.ts";
import { type RuledWindow, sourceRuleFaults } from "./source-rules.ts";

/** What the rules look at of a request. */
export interface RuledRequest {
  readonly justification?: string | undefined;
  /** Opens at once, without an approval. */
  readonly isBreakGlass: boolean;
  readonly windows: readonly RuledWindow[];
}

/** How many characters that are not blank the justification of a break-glass request has at least. */
const shortestBreakGlassReason = 10;

/** How much of a policy's hint a reason has room for. */
const longestHintTold = 350;

/**
 * Every reason why a request does not keep the policy's own rules about requests. A break-glass request always has to say why,
 * in whatever form: who is in an emergency may have no ticket yet. The rules about sources hold for it too.
 */
export function requestRuleFaults(
  rules: AccessRules | undefined,
  request: RuledRequest,
): readonly Reason[] {
  return [...justificationFaults(rules, request), ...sourceRuleFaults(rules, request.windows)];
}

function justificationFaults(
  rules: AccessRules | undefined,
  { justification = "", isBreakGlass }: RuledRequest,
): readonly Reason[] {
  // Neither blanks nor characters that cannot be seen say anything.
  const said = [...justification.replace(/[\s\p{C}]/gu, "")].length;
  const target = "justification";
  if (isBreakGlass) {
    const message = `A break-glass request needs a justification of at least ${shortestBreakGlassReason} characters that says what the emergency is.`;
    return said >= shortestBreakGlassReason
      ? []
      : [{ code: "JustificationRequired", message, target }];
  }
  const { required = false, pattern, hint } = rules?.justification ?? {};
  const told = hint === undefined ? "" : ` ${quote(hint, longestHintTold)}`;
  if (said === 0) {
    const message = `The policy asks for a justification.${told}`;
    return required ? [{ code: "JustificationRequired", message, target }] : [];
  }
  if (pattern === undefined || matches(pattern, justification)) {
    return [];
  }
  const message = `The justification is not of the form that the policy asks for.${told === "" ? ` It has to match ${quote(pattern, longestHintTold)}.` : told}`;
  return [{ code: "JustificationNotMatching", message, target }];
}

/** NB. An expression that cannot be read any more is matched by nothing: it was taken when it was stored. */
function matches(pattern: string, text: string): boolean {
  const read = readPattern(pattern);
  return isPattern(read) && read.isIn(text);
}
