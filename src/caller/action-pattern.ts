/** One permission object of a role definition or of a deny assignment. */
export interface Permission {
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
  /** Conditions are not evaluated: whoever decides takes the safe side. */
  readonly hasCondition: boolean;
}

/**
 * Whether the permission object speaks of the action, its condition left aside.
 * NB. notActions narrows its own permission object only; it is no deny, another permission may still grant the action.
 */
export function includesAction(permission: Permission, action: string): boolean {
  return (
    permission.actions.some((pattern) => matchesAction(pattern, action)) &&
    !permission.notActions.some((pattern) => matchesAction(pattern, action))
  );
}

/**
 * Whether an action pattern of a role definition matches an action: without case, anchored at both ends, `*` is any run
 * of characters, `/` and none included. Linear, so no pattern can stall the service.
 */
export function matchesAction(pattern: string, action: string): boolean {
  const wanted = action.toLowerCase();
  const glob = pattern.toLowerCase();
  let globIndex = 0;
  let index = 0;
  let starAt = -1;
  let resumeAt = 0;
  while (index < wanted.length) {
    if (glob[globIndex] === "*") {
      starAt = globIndex;
      globIndex += 1;
      resumeAt = index;
    } else if (globIndex < glob.length && glob[globIndex] === wanted[index]) {
      globIndex += 1;
      index += 1;
    } else if (starAt >= 0) {
      globIndex = starAt + 1;
      resumeAt += 1;
      index = resumeAt;
    } else {
      return false;
    }
  }
  while (glob[globIndex] === "*") {
    globIndex += 1;
  }
  return globIndex === glob.length;
}
