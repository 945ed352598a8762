import { z } from "zod";
import type { ArmAnswer } from "./arm-http.ts";
import { ArmError, armErrorFrom, parseJson } from "./azure-error.ts";

/** The body of a 200; throws an `ArmError` for any other answer, and for a body that is not as we know it. */
export function bodyOf<T>(answer: ArmAnswer, schema: z.ZodType<T>, what: string): T {
  if (answer.status !== 200) {
    throw armErrorFrom(answer, `${what} cannot be read`);
  }
  const body = schema.safeParse(parseJson(answer.text));
  if (!body.success) {
    throw new ArmError(`${what} is not as we know it: ${z.prettifyError(body.error)}`, {
      code: "InvalidAnswer",
    });
  }
  return body.data;
}
