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
