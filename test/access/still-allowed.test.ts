import { describe, expect, it } from "@jest/globals";
import { decide, stillAllowed } from "../../src/access/decide.ts";
import type { Window } from "../../src/access/request.ts";
import type { Policy } from "../../src/policy/policy.ts";
import {
  afterNoon,
  aPolicy,
  aPort,
  aVirtualMachine,
  aWindow,
  circumstances,
  noon,
  vmId,
} from "../support/builders.ts";
import { accepted } from "../support/outcomes.ts";

const anHour = aWindow({ durationSeconds: 3_600 });

describe("a window that was allowed earlier", () => {
  it.each<{ case: string; policy: Policy | undefined; window?: Window; codes: readonly string[] }>([
    { case: "is as it was", policy: aPolicy(), codes: [] },
    { case: "is gone", policy: undefined, codes: ["PolicyNotFound"] },
    { case: "is going", policy: aPolicy({ state: "deleting" }), codes: ["PolicyNotFound"] },
    {
      case: "does not protect the VM any more",
      policy: aPolicy({ virtualMachines: [aVirtualMachine({ id: vmId("web-2") })] }),
      codes: ["RequestNotSubsetOfPolicy"],
    },
    {
      case: "names the VM in another letter case",
      policy: aPolicy({ virtualMachines: [aVirtualMachine({ id: vmId().toUpperCase() })] }),
      codes: [],
    },
    {
      case: "has another port",
      policy: aPolicy({ ports: [aPort({ number: 3389 })] }),
      codes: ["RequestNotSubsetOfPolicy"],
    },
    {
      case: "has another protocol",
      policy: aPolicy({ ports: [aPort({ protocol: "UDP" })] }),
      codes: ["RequestNotSubsetOfPolicy"],
    },
    {
      case: "has narrower sources",
      policy: aPolicy({ ports: [aPort({ allowedSourceAddressPrefix: "203.0.113.8/29" })] }),
      codes: ["RequestNotSubsetOfPolicy"],
    },
    {
      case: "has shorter windows",
      policy: aPolicy({ ports: [aPort({ maxRequestAccessDuration: "PT30M" })] }),
      window: anHour,
      codes: ["RequestNotSubsetOfPolicy"],
    },
    {
      case: "has windows just as long",
      policy: aPolicy({ ports: [aPort({ maxRequestAccessDuration: "PT1H" })] }),
      window: anHour,
      codes: [],
    },
    {
      case: "has windows shorter than what is left until its end",
      policy: aPolicy({ ports: [aPort({ maxRequestAccessDuration: "PT58M" })] }),
      codes: ["RequestNotSubsetOfPolicy"],
    },
    {
      case: "has windows as long as what is left until its end",
      policy: aPolicy({ ports: [aPort({ maxRequestAccessDuration: "PT1H" })] }),
      codes: [],
    },
  ])("of a policy that $case: $codes", ({ policy, window = aWindow(), codes }) => {
    expect(stillAllowed(policy, window, noon).map(({ code }) => code)).toEqual(codes);
  });

  it("is allowed when its policy is as it was, however long it waited, or whose clock is asked", () => {
    const policy = aPolicy();
    const times = [{ endsAt: new Date(afterNoon(10_800)) }, { durationSeconds: 10_800 }];
    for (const time of times) {
      const port = { number: 22, sources: [], ...time };
      const content = { virtualMachines: [{ id: vmId(), ports: [port as never] }] };
      const [window = aWindow()] = accepted(decide(policy, content, circumstances())).windows;

      for (const seconds of [-30, 0, 60, 10_000]) {
        expect(stillAllowed(policy, window, new Date(afterNoon(seconds)))).toEqual([]);
      }
    }
  });
});
