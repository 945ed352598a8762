import { describe, expect, it } from "@jest/globals";
import type { Window } from "../../src/access/request.ts";
import { type WireRequest, wireRequest } from "../../src/access/wire.ts";
import { policyJson } from "../../src/http/policy-json.ts";
import { parsePolicy } from "../../src/policy/policy-body.ts";
import { idKey } from "../../src/policy/resource-id.ts";
import {
  aContext,
  alice,
  anAccessRequest,
  aPolicy,
  aWindow,
  noon,
  subscriptionId,
  vmId,
} from "../support/builders.ts";
import { example } from "../support/jit-examples.ts";

const barbara = { ...alice, name: "barbara@contoso.com" };
const inExample = (subscription: string): string =>
  vmId("vm1").replace(subscriptionId, subscription).replace("shop", "myRg1");
const everything = () => true;

describe("a request as the API shows it", () => {
  it("equals the official answer to an initiate", () => {
    const request = anAccessRequest({
      requestor: barbara,
      createdAt: "2018-07-12T08:53:03.3658798Z",
      justification: "testing a new version of the product",
      windows: [
        aWindow({
          vmId: inExample("3eeab341-f466-499c-a8be-85427e154baf"),
          port: 3389,
          sources: ["192.127.0.2"],
          closesAt: "2018-07-12T09:53:03.3658798Z",
        }),
      ],
    });

    // Ours beside it: which request it is, and how it stands.
    expect(wireRequest(request)).toEqual({
      ...example("initiate").responses["202"]?.body,
      id: request.id,
      state: "opening",
    });
  });

  it.each<[Partial<Window>, string, string]>([
    [{ state: "pending approval" }, "Initiating", "PendingApproval"],
    [{ state: "approved" }, "Initiating", "UserRequested"],
    [{ state: "opening" }, "Initiating", "UserRequested"],
    [{ state: "open" }, "Initiated", "UserRequested"],
    [{ state: "closing", openedAt: noon.toISOString() }, "Initiated", "UserRequested"],
    [{ state: "closing" }, "Initiating", "UserRequested"],
    [{ state: "closed", endReason: "Expired" }, "Revoked", "Expired"],
    [{ state: "closed", endReason: "UserRequested" }, "Revoked", "UserRequested"],
    [{ state: "closed", endReason: "NewerRequestInitiated" }, "Revoked", "NewerRequestInitiated"],
    [{ state: "failed" }, "Revoked", "Failed"],
    [{ state: "denied" }, "Revoked", "Denied"],
    [{ state: "expired unanswered" }, "Revoked", "ExpiredUnanswered"],
  ])("says of a window %j: %s, %s", (values, status, statusReason) => {
    const [vm] = wireRequest(anAccessRequest({ windows: [aWindow(values)] })).virtualMachines;

    expect(vm?.ports).toEqual([expect.objectContaining({ status, statusReason })]);
  });

  it("names several sources in the field for several", () => {
    const sources = ["10.0.0.1", "203.0.113.7"];
    const [vm] = wireRequest(anAccessRequest({ windows: [aWindow({ sources })] })).virtualMachines;

    expect(vm?.ports[0]).toMatchObject({ allowedSourceAddressPrefixes: sources });
    expect(vm?.ports[0]).not.toHaveProperty("allowedSourceAddressPrefix");
  });

  it("lists the ports of a VM together, and tells only of VMs that may be seen", () => {
    const request = anAccessRequest({
      windows: [
        aWindow({ state: "closing" }),
        aWindow({ vmId: vmId("db"), state: "open" }),
        aWindow({ port: 3389, state: "closed" }),
      ],
    });

    const shown = wireRequest(request, (key) => key === idKey(vmId()));

    expect(shown.state).toBe("closing");
    expect(shown.virtualMachines).toEqual([
      {
        id: vmId(),
        ports: [expect.objectContaining({ number: 22 }), expect.objectContaining({ number: 3389 })],
      },
    ]);
  });
});

describe("a policy as the API shows it", () => {
  it.each(["create-policy", "get-policy"] as const)("equals the official answer of %s", (name) => {
    const { parameters, responses } = example(name);
    const vm = inExample(parameters.subscriptionId);
    // The example of a GET has no body: the one of the PUT made the same policy.
    const content = parsePolicy(
      example("create-policy").parameters.body,
      parameters.subscriptionId,
      aContext,
    );
    const policy = aPolicy({
      ...(content.outcome === "ok" ? { virtualMachines: content.value.virtualMachines } : {}),
      id: `/subscriptions/${parameters.subscriptionId}/resourceGroups/myRg1/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default`,
    });
    const request = anAccessRequest({
      requestor: barbara,
      createdAt: "2018-05-17T08:06:45.5691611Z",
      ...(name === "get-policy" ? { justification: "testing a new version of the product" } : {}),
      windows: [
        aWindow({
          vmId: vm,
          port: 3389,
          sources: ["192.127.0.2"],
          closesAt: "2018-05-17T09:06:45.5691611Z",
          state: "open",
        }),
      ],
    });

    const shown = policyJson(policy, [request], everything);

    // Ours beside it: which request it is, and how it stands.
    const [{ id, state, ...asOfficial } = {} as Partial<WireRequest>] = shown.properties.requests;
    expect([id, state]).toEqual([request.id, "open"]);
    expect({ ...shown, properties: { ...shown.properties, requests: [asOfficial] } }).toEqual(
      responses["200"]?.body,
    );
  });

  it("leaves out VMs, and requests for VMs, that may not be seen", () => {
    const shown = policyJson(aPolicy(), [anAccessRequest()], () => false);

    expect(shown.properties).toMatchObject({ virtualMachines: [], requests: [] });
  });

  it.each([
    ["updating", "Updating"],
    ["deleting", "Deleting"],
    ["settled", "Succeeded"],
  ] as const)("that is %s is %s", (state, provisioningState) => {
    expect(policyJson(aPolicy({ state }), [], everything).properties).toMatchObject({
      provisioningState,
    });
  });
});
