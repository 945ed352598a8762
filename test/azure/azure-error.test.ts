import { describe, expect, it } from "@jest/globals";
import { outcomeOfFailure, parseAzureError } from "../../src/azure/azure-error.ts";

const gateId =
  "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/nsg";

/** An error body in ARM's shape, read as the adapter reads it. */
const anError = (code: string, detail?: string) =>
  parseAzureError(
    JSON.stringify({
      error: {
        code,
        message: `says ${code}`,
        details: detail === undefined ? [] : [{ code: detail, message: `says ${detail}` }],
      },
    }),
  );

describe("a write that Azure did not carry out", () => {
  it.each([
    { case: "another operation runs", status: 409, error: anError("AnotherOperationInProgress") },
    {
      case: "the group is locked by another operation",
      status: 429,
      error: anError("RetryableError", "RetryableErrorDueToAnotherOperation"),
    },
    {
      case: "somebody changed the group since it was read",
      status: 412,
      error: anError("PreconditionFailed", "PreconditionFailedEtagMismatch"),
    },
    { case: "too many requests", status: 429, error: anError("TooManyRequests") },
    {
      case: "a later write took its place",
      status: undefined,
      error: anError("Canceled", "CanceledAndSupersededDueToAnotherOperation"),
    },
    {
      case: "somebody took the priority since the group was read",
      status: 400,
      error: anError("SecurityRuleConflict"),
    },
    {
      case: "the same, found out only while the operation ran",
      status: undefined,
      error: anError("SecurityRuleConflict"),
    },
    {
      case: "a firewall of the policy took the update badly",
      status: undefined,
      error: anError("FirewallPolicyUpdateFailed"),
    },
    {
      case: "an IP group's update came to nothing",
      status: 400,
      error: anError("IpGroupsUpdateFailed"),
    },
    {
      case: "a firewall's update failed, whatever Azure calls it",
      status: undefined,
      error: anError("AzureFirewallUpdateFailed"),
    },
    {
      case: "somebody took the priority of our rule collection",
      status: 400,
      error: anError("AzureFirewallRuleCollectionPriorityConflict"),
    },
    { case: "a fault inside Azure", status: 500, error: anError("InternalServerError") },
    { case: "a gateway's HTML page", status: 502, error: parseAzureError("<html>bad</html>") },
    { case: "an operation that failed inside", status: undefined, error: anError("InternalError") },
    { case: "a conflict nobody knows", status: 409, error: anError("SomethingElse") },
  ])("is to be planned again when $case", ({ status, error }) => {
    const outcome = outcomeOfFailure({ status, error, retryAfterMs: 7_000 }, gateId);

    expect(outcome).toMatchObject({ outcome: "changed", retryAfterMs: 7_000 });
  });

  it.each([
    {
      case: "our identity lacks the right",
      status: 403,
      error: anError("AuthorizationFailed"),
      code: "GateNotWritable",
    },
    { case: "a lock", status: 409, error: anError("ScopeLocked"), code: "GateNotWritable" },
    {
      case: "an Azure Policy",
      status: 403,
      error: anError("RequestDisallowedByPolicy"),
      code: "GateNotWritable",
    },
    {
      case: "a prefix Azure does not accept",
      status: 400,
      error: anError("SecurityRuleInvalidAddressPrefix"),
      code: "GateNotWritable",
    },
    {
      case: "the same, found out only while the operation ran",
      status: undefined,
      error: anError("SecurityRuleInvalidAddressPrefix"),
      code: "GateNotWritable",
    },
    {
      case: "a port that a firewall cannot lead to",
      status: undefined,
      error: anError("AzureFirewallRuleInvalidDnatPortOrRangeFormat"),
      code: "GateNotWritable",
    },
    {
      case: "a DNAT rule of a policy with two ports",
      status: undefined,
      error: anError("FirewallPolicyNatRuleInvalidDnatMultipleDestinationPortsExists"),
      code: "GateNotWritable",
    },
    {
      case: "too many DNAT destinations",
      status: 400,
      error: anError("AzureFirewallDnatLimitExceeded"),
      code: "GateFull",
    },
    {
      case: "a limit of something else than DNAT",
      status: 400,
      error: anError("SecurityRuleDestinationPrefixLimitExceeded"),
      code: "GateNotWritable",
    },
    {
      case: "a thousand rules are there",
      status: 400,
      error: anError("SecurityRuleCountLimitReached"),
      code: "GateFull",
    },
    {
      case: "the group is gone",
      status: 404,
      error: anError("ResourceNotFound"),
      code: "GateNotFound",
    },
    {
      case: "the group's parent is gone",
      status: 404,
      error: anError("ParentResourceNotFound"),
      code: "GateNotFound",
    },
  ])("is refused for good, in Azure's own words, because of $case", ({ status, error, code }) => {
    const outcome = outcomeOfFailure({ status, error }, gateId);

    expect(outcome).toMatchObject({ outcome: "refused", reason: { code, target: gateId } });
    const message = outcome.outcome === "refused" ? outcome.reason.message : "";
    expect(message).toContain(`${error.code}: says ${error.code}`);
  });

  it("asks for a second of patience when Azure names none", () => {
    const outcome = outcomeOfFailure({ status: 409, error: anError("X") }, gateId);

    expect(outcome).toMatchObject({ outcome: "changed", retryAfterMs: 1_000 });
  });

  it("never quotes a page at length", () => {
    const error = parseAzureError("x".repeat(100_000));

    const outcome = outcomeOfFailure({ status: 400, error }, gateId);

    expect(JSON.stringify(outcome).length).toBeLessThan(1_000);
  });
});
