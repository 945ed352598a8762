/** What the queries of our own addresses have in common. */
import { z } from "zod";
import { type Outcome, ok, reasonsFrom, refusedFor } from "../reasons.ts";

/**
 * A query of these parameters and no others: a misspelt filter must not silently show more. `api-version` means nothing here, but clients of
 * Azure add it. `told` are those that a refusal names, all of the shape without it.
 */
export function queryOf<T extends z.ZodRawShape>(
  shape: T,
  told: readonly string[] = Object.keys(shape),
) {
  return z.strictObject(
    { ...shape, "api-version": z.string().optional() },
    { error: `no such parameter is known; expected ${told.join(", ")}` },
  );
}

/** A whole number from 1 to `most`. */
export function upTo(most: number) {
  const expected = `expected a whole number from 1 to ${most}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, expected)
    .transform(Number)
    .refine((number) => number >= 1 && number <= most, expected)
    .optional();
}

/** Where a list goes on. */
export const skipToken = z.string().max(2_000, "expected the token of a nextLink").optional();

/** What a query says, or every parameter that is not understood. */
export function readQueryAs<T extends z.ZodType>(
  shape: T,
  { searchParams }: URL,
): Outcome<z.output<T>> {
  const parsed = shape.safeParse(Object.fromEntries(searchParams), { reportInput: true });
  return parsed.success ? ok(parsed.data) : refusedFor(reasonsFrom(parsed.error, "InvalidQuery"));
}
