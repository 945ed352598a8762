/** A failure whose message tells the reader what to do; shown without a stack trace. */
export class SetUpError extends Error {
  name = "SetUpError";
}
