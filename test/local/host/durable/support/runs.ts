/** How many cases a property is tried with: a few in every test run, many where PROPERTY_RUNS asks for it. */
export const propertyRuns = (usual: number): number =>
  Number(process.env["PROPERTY_RUNS"] ?? usual);
