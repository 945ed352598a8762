import type { AccessRequest } from "../access/request.ts";

/** The clocks of two machines may differ by so much, in milliseconds. */
const mostClockSkew = 3_600_000;

/**
 * The moment before which nothing is told about a request. NB. Before it was made: it is the clocks of several machines that tell the times of
 * its facts, and one of them may be behind that of whoever took the request.
 */
export function earliestFactOf({ createdAt }: Pick<AccessRequest, "createdAt">): Date {
  return new Date(Date.parse(createdAt) - mostClockSkew);
}

/** A page's `continuation` that this service did not hand out, or that belongs to another question. The caller's fault. */
export class BadContinuation extends Error {
  override readonly name = "BadContinuation";
  readonly given: string;

  constructor(given: string) {
    super(
      `'${given.slice(0, 80)}' is not a continuation of this list; take it from the page before.`,
    );
    this.given = given;
  }
}
