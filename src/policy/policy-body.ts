import { z } from "zod";
import {
  type Outcome,
  ok,
  quote,
  type Reason,
  type Refusal,
  reasonLimits,
  reasonsFrom,
  refused,
  refusedFor,
} from "../reasons.ts";
import { parseAccessRules } from "./access-rules-body.ts";
import type { AccessRulesContext } from "./circle-body.ts";
import { durationSeconds } from "./duration.ts";
import {
  portNumber,
  refuseBothSources,
  repeated,
  sourcePrefix,
  virtualMachineIdFault,
} from "./fields.ts";
import {
  type PolicyContent,
  type PolicyVirtualMachine,
  type PortRule,
  protocols,
} from "./policy.ts";
import { idKey } from "./resource-id.ts";
import { member, sizeFault } from "./size.ts";

/** Shortest and longest `maxRequestAccessDuration` in seconds: PT5M and P1D (REST specification 2020-01-01). */
const accessDurationLimits = { shortest: 300, longest: 86_400 } as const;

/** What one policy may list in all. */
const policyLimits = {
  "virtual machines": 1_000,
  ports: 10_000,
  sources: 100_000,
} as const;

const sourcePrefixes = z
  .array(sourcePrefix)
  .min(1, "expected at least one source")
  .max(200, "expected at most 200 sources");

const accessDuration = z
  .string("expected an ISO 8601 duration from PT5M to P1D")
  .check((context) => {
    const seconds = durationSeconds(context.value);
    if (
      seconds === undefined ||
      seconds < accessDurationLimits.shortest ||
      seconds > accessDurationLimits.longest
    ) {
      context.issues.push({
        code: "custom",
        message: "expected an ISO 8601 duration from PT5M to P1D",
        input: context.value,
      });
    }
  });

const portRule = z
  .object(
    {
      number: portNumber,
      protocol: z.preprocess(
        (value) => (typeof value === "string" ? value.toUpperCase() : value),
        z.enum(protocols, "expected TCP, UDP or *"),
      ),
      allowedSourceAddressPrefix: z.union([sourcePrefix, sourcePrefixes]).nullish(),
      allowedSourceAddressPrefixes: sourcePrefixes.nullish(),
      maxRequestAccessDuration: accessDuration,
    },
    "expected an object with number, protocol, a source and maxRequestAccessDuration",
  )
  .check((context) => {
    const { allowedSourceAddressPrefix: one, allowedSourceAddressPrefixes: many } = context.value;
    if ((one ?? undefined) === undefined && (many ?? undefined) === undefined) {
      context.issues.push({
        code: "custom",
        path: ["allowedSourceAddressPrefix"],
        message:
          "expected allowedSourceAddressPrefix or allowedSourceAddressPrefixes; write '*' to allow any source",
        input: one,
      });
    }
    refuseBothSources(context);
  })
  .transform(
    ({
      allowedSourceAddressPrefix: one,
      allowedSourceAddressPrefixes: many,
      ...rest
    }): PortRule => {
      const list = Array.isArray(one) ? one : (many ?? undefined);
      return list === undefined
        ? { ...rest, allowedSourceAddressPrefix: typeof one === "string" ? one : "*" }
        : { ...rest, allowedSourceAddressPrefixes: list };
    },
  );

const policyVirtualMachine = z.object(
  {
    id: z.string("expected a virtual machine's resource id"),
    ports: z
      .array(portRule, "expected a list of ports")
      .min(1, "expected at least one port")
      .max(100, "expected at most 100 ports"),
    publicIpAddress: z
      .string("expected an address or a resource id")
      .max(500, "expected an address or a resource id")
      .nullish()
      .transform((value) => value ?? undefined),
  },
  "expected an object with id and ports",
);

/** The body of a policy PUT. Read-only and unknown members are ignored, as ARM does; so is the history in `requests`. */
const policyBody = z.object(
  {
    kind: z
      .string("expected text such as Basic")
      .max(64, "expected at most 64 characters")
      .nullish()
      .transform((value) => value ?? "Basic"),
    // NB. Strict, so that misspelt rules are not left out without a word. What a GET shows may come back in a PUT.
    properties: z.strictObject(
      {
        accessRules: z.unknown().optional(),
        findings: z.unknown().optional(),
        provisioningState: z.unknown().optional(),
        requests: z.unknown().optional(),
        virtualMachines: z
          .array(policyVirtualMachine, "expected a list of virtual machines")
          .min(1, "expected at least one virtual machine")
          .max(policyLimits["virtual machines"], "expected at most 1,000 virtual machines"),
        takePriority: z.boolean("expected true, false or null").nullish(),
      },
      {
        error: (issue) =>
          issue.code === "unrecognized_keys"
            ? "no such member is known; expected virtualMachines, accessRules, takePriority"
            : "expected an object with virtualMachines",
      },
    ),
  },
  "expected a JSON object with properties",
);

/** Reads a PUT body for a policy in `subscriptionId`, or says everything that is wrong with it. */
export function parsePolicy(
  body: unknown,
  subscriptionId: string,
  context: AccessRulesContext,
): Outcome<PolicyContent> {
  const tooLarge = sizeFault(member(member(body, "properties"), "virtualMachines"), policyLimits, {
    code: "InvalidPolicy",
    target: "properties.virtualMachines",
  });
  if (tooLarge !== undefined) {
    return refused(tooLarge);
  }
  const rest = parseRest(body, subscriptionId);
  const accessRules = parseAccessRules(body, context);
  if (rest.outcome === "refused" || accessRules.outcome === "refused") {
    return bothRefused(rest, accessRules);
  }
  return accessRules.value === undefined
    ? rest
    : ok({ ...rest.value, accessRules: accessRules.value });
}

/** NB. A list that is cut already stays as it is: more would be cut from it, with the count of what is not listed. */
function bothRefused(...outcomes: readonly Outcome<unknown>[]): Refusal {
  const [first = [], second = []] = outcomes.map((each) =>
    each.outcome === "refused" ? each.reasons : [],
  );
  return first.length > reasonLimits.reasons
    ? { outcome: "refused", reasons: first }
    : refusedFor([...first, ...second]);
}

/** Everything but the rules about requests. */
function parseRest(body: unknown, subscriptionId: string): Outcome<PolicyContent> {
  const parsed = policyBody.safeParse(body, { reportInput: true });
  if (!parsed.success) {
    return refusedFor(reasonsFrom(parsed.error, "InvalidPolicy"));
  }
  const { kind, properties } = parsed.data;
  const reasons = [
    ...properties.virtualMachines.flatMap((vm, index) =>
      virtualMachineFaults(vm, index, subscriptionId),
    ),
    ...duplicateFaults(properties.virtualMachines),
  ];
  return reasons.length > 0
    ? refusedFor(reasons)
    : ok({
        kind,
        virtualMachines: properties.virtualMachines,
        ...(properties.takePriority === undefined ? {} : { takePriority: properties.takePriority }),
      });
}

function virtualMachineFaults(
  vm: PolicyVirtualMachine,
  index: number,
  subscriptionId: string,
): readonly Reason[] {
  const target = `properties.virtualMachines[${index}].id`;
  const fault = virtualMachineIdFault(vm.id, subscriptionId, target);
  const numbers = vm.ports.map((port) => port.number);
  const [twice] = repeated(numbers);
  return [
    ...(fault === undefined ? [] : [fault]),
    ...(twice === undefined
      ? []
      : [
          {
            code: "InvalidPolicy",
            message: `Port ${numbers[twice]} is listed twice; list each port once, with protocol '*' if it is to serve several protocols.`,
            target: `properties.virtualMachines[${index}].ports[${twice}].number`,
          } as const,
        ]),
  ];
}

function duplicateFaults(machines: readonly PolicyVirtualMachine[]): readonly Reason[] {
  return repeated(machines.map((vm) => idKey(vm.id))).map((index) => ({
    code: "InvalidPolicy",
    message: `${quote(machines[index]?.id ?? "")} is listed twice; list each virtual machine once with all its ports.`,
    target: `properties.virtualMachines[${index}].id`,
  }));
}
