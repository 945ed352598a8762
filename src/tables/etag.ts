import { RestError } from "@azure/data-tables";

/** Waits so many milliseconds. */
export type Pause = (milliseconds: number) => Promise<void>;

/** Nothing else needs as many tries: past them something is wrong that trying again does not mend. */
const mostTries = 60;

/** An insert met an entity of the same keys (409 EntityAlreadyExists). */
export function alreadyExists(error: unknown): boolean {
  return (
    error instanceof RestError &&
    error.statusCode === 409 &&
    codeOf(error) === "EntityAlreadyExists"
  );
}

/** The entity has changed since its ETag was read (412 UpdateConditionNotSatisfied). */
export function changedMeanwhile(error: unknown): boolean {
  return error instanceof RestError && error.statusCode === 412;
}

/** The entity is not there (404 ResourceNotFound). A missing table is a fault of another kind. */
export function isMissing(error: unknown): boolean {
  return (
    error instanceof RestError && error.statusCode === 404 && codeOf(error) !== "TableNotFound"
  );
}

/** The whole table is not there, or not any more (404 TableNotFound, 409 TableBeingDeleted). */
export function isTableGone(error: unknown): boolean {
  return (
    error instanceof RestError &&
    ["TableNotFound", "TableBeingDeleted"].includes(codeOf(error) ?? "")
  );
}

/** The storage does not take what was sent, however often it is tried (400, 413). */
export function isNotTaken(error: unknown): boolean {
  return error instanceof RestError && (error.statusCode === 400 || error.statusCode === 413);
}

/** Somebody else was quicker: what the step had read is not so any more. */
function isBeaten(error: unknown): boolean {
  return alreadyExists(error) || changedMeanwhile(error) || isMissing(error);
}

/** Repeats a read-and-write step until nobody else gets in between; other faults pass through. */
export async function untilUndisturbed<T>(pause: Pause, step: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await step();
    } catch (error) {
      if (!isBeaten(error) || tries === mostTries) {
        throw error;
      }
      await pause(Math.random() * Math.min(500, 10 * 2 ** tries));
    }
  }
}

/** The answer of a look-up, or nothing when the entity is not there. */
export async function unlessMissing<T>(lookUp: Promise<T>): Promise<T | undefined> {
  try {
    return await lookUp;
  } catch (error) {
    if (isMissing(error)) {
      return undefined;
    }
    throw error;
  }
}

/** The answer of a reading, or something else when the whole table is not there. */
export async function unlessGone<T>(reading: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (isTableGone(error)) {
      return otherwise;
    }
    throw error;
  }
}

/** Single operations carry the code in the parsed body, transactions on the error itself. */
function codeOf(error: RestError): string | undefined {
  const details = error.details as { odataError?: { code?: string } } | undefined;
  return details?.odataError?.code ?? error.code;
}
