import { CloudError } from "../router.ts";

/*
 * What a writer is told when somebody else writes or has written: codes and words of public error reports
 * (azure-sdk-for-python, cloud-provider-azure).
 */

/** The operation in the way, by the name that Azure's texts give it. */
interface OperationInTheWay {
  readonly name: string;
  readonly id: string;
}

export function anotherOperation({ id }: OperationInTheWay, target: string): CloudError {
  return new CloudError(
    409,
    "AnotherOperationInProgress",
    `Another operation on this or dependent resource is in progress. To retrieve status of the operation use uri: ${target} (${id}).`,
  );
}

/** Azure's 429 that is no throttling, and has no Retry-After. */
export function lockedByOperation({ name, id }: OperationInTheWay, target: string): CloudError {
  return new CloudError(429, "RetryableError", "A retryable error occurred.", [
    {
      code: "RetryableErrorDueToAnotherOperation",
      message: `Operation ${name} (${id}) is updating resource ${target}. The call can be retried in 12 seconds.`,
    },
  ]);
}

export function etagMismatch(given: string, actual: string, target: string): CloudError {
  return new CloudError(412, "PreconditionFailed", "Precondition failed.", [
    {
      code: "PreconditionFailedEtagMismatch",
      message: `Etag provided in if-match header ${given} does not match etag ${actual} of resource ${target} in NRP data store.`,
    },
  ]);
}
