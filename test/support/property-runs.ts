const asked = process.env["PROPERTY_RUNS"];

/** How many cases a property is tried on: PROPERTY_RUNS where it is set, for longer runs, else hundred and fifty. */
export const propertyRuns = { numRuns: Number(asked ?? 150) };

/** As {@link propertyRuns}, for properties of which each case is a long story: else a few dozen. */
export const fewRuns = { numRuns: Number(asked ?? 25) };
