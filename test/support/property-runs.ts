/** How many cases a property is tried on: PROPERTY_RUNS where it is set, for longer runs, else a few hundred. */
export const propertyRuns = { numRuns: Number(process.env["PROPERTY_RUNS"] ?? 300) };
