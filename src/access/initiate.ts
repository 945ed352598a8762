import { z } from "zod";
import { durationSeconds } from "../policy/duration.ts";
import {
  portNumber,
  refuseBothSources,
  repeated,
  sourcePrefix,
  virtualMachineIdFault,
} from "../policy/fields.ts";
import { idKey } from "../policy/resource-id.ts";
import { member, sizeFault } from "../policy/size.ts";
import {
  type Outcome,
  ok,
  quote,
  type Reason,
  reasonsFrom,
  refused,
  refusedFor,
} from "../reasons.ts";

/** What one request may list in all. */
const requestLimits = { "virtual machines": 100, ports: 500, sources: 1_000 } as const;

/** One port of an initiate body, understood: either an end or a length, and sources where the caller named any. */
export interface InitiatePort {
  readonly number: number;
  readonly endsAt?: Date | undefined;
  readonly durationSeconds?: number | undefined;
  /** Empty: the caller's own address is meant. Never "any". */
  readonly sources: readonly string[];
}

export interface InitiateVirtualMachine {
  readonly id: string;
  readonly ports: readonly InitiatePort[];
}

/** What an initiate body asks for. */
export interface InitiateContent {
  readonly virtualMachines: readonly InitiateVirtualMachine[];
  readonly justification?: string | undefined;
  /** Ours: open at once without an approval, where the policy names the caller for emergencies. */
  readonly breakGlass?: boolean | undefined;
}

/** How many characters people may write to a request, an answer or a review. */
export const longestJustification = 2_000;

export const sourceList = z.array(sourcePrefix).max(200, "expected at most 200 sources");

export const endTime = z.iso.datetime({
  offset: true,
  error: "expected a date and time such as 2030-01-31T18:00:00Z",
});

const initiatePort = z
  .object(
    {
      number: portNumber,
      endTimeUtc: endTime.nullish(),
      duration: z.string("expected an ISO 8601 duration such as PT1H").nullish(),
      allowedSourceAddressPrefix: z.union([sourcePrefix, sourceList]).nullish(),
      allowedSourceAddressPrefixes: sourceList.nullish(),
    },
    "expected an object with number and duration",
  )
  .check((context) => {
    const { endTimeUtc, duration } = context.value;
    if (((endTimeUtc ?? undefined) === undefined) === ((duration ?? undefined) === undefined)) {
      // Of both the service this API comes from says this (azure-rest-api-specs#43491); who named neither would not understand it.
      const message =
        (duration ?? undefined) === undefined
          ? "expected endTimeUtc or duration, such as PT1H"
          : "Only one of fields 'EndTimeUtc' and 'Duration' can be set.";
      context.issues.push({ code: "custom", path: ["endTimeUtc"], message, input: endTimeUtc });
    }
    if (typeof duration === "string" && !((durationSeconds(duration) ?? 0) > 0)) {
      const message = "expected an ISO 8601 duration such as PT1H";
      context.issues.push({ code: "custom", path: ["duration"], message, input: duration });
    }
    refuseBothSources(context);
  })
  .transform((port): InitiatePort => {
    const { allowedSourceAddressPrefix: one, allowedSourceAddressPrefixes: many } = port;
    const named = typeof one === "string" ? [one] : (one ?? many ?? []);
    return {
      number: port.number,
      endsAt: typeof port.endTimeUtc === "string" ? new Date(port.endTimeUtc) : undefined,
      durationSeconds:
        typeof port.duration === "string" ? durationSeconds(port.duration) : undefined,
      sources: [...new Set(named)].toSorted(),
    };
  });

/** The body of an initiate POST. Unknown members are ignored, as the original does. */
const initiateBody = z.object(
  {
    virtualMachines: z
      .array(
        z.object(
          {
            id: z.string("expected a virtual machine's resource id"),
            ports: z
              .array(initiatePort, "expected a list of ports")
              .min(1, "expected at least one port")
              .max(100, "expected at most 100 ports"),
          },
          "expected an object with id and ports",
        ),
        "expected a list of virtual machines",
      )
      .min(1, "expected at least one virtual machine")
      .max(requestLimits["virtual machines"], "expected at most 100 virtual machines"),
    justification: z
      .string("expected text")
      .max(longestJustification, "expected at most 2,000 characters")
      .nullish(),
    breakGlass: z.boolean("expected true or false").nullish(),
  },
  "expected a JSON object with virtualMachines",
);

/** Reads an initiate body for a policy in `subscriptionId`, or says everything that is wrong with it. */
export function parseInitiate(body: unknown, subscriptionId: string): Outcome<InitiateContent> {
  const tooLarge = sizeFault(member(body, "virtualMachines"), requestLimits, {
    code: "InvalidInitiateInput",
    target: "virtualMachines",
  });
  if (tooLarge !== undefined) {
    return refused(tooLarge);
  }
  const parsed = initiateBody.safeParse(body, { reportInput: true });
  if (!parsed.success) {
    return refusedFor(reasonsFrom(parsed.error, "InvalidInitiateInput"));
  }
  const { virtualMachines, justification, breakGlass } = parsed.data;
  const again = new Set(repeated(virtualMachines.map((vm) => idKey(vm.id))));
  const reasons = virtualMachines.flatMap((vm, index) => [
    ...idFaults(vm, index, subscriptionId),
    ...(again.has(index) ? [twice(`virtualMachines[${index}].id`, quote(vm.id))] : []),
    ...portFaults(vm, index),
  ]);
  return reasons.length > 0
    ? refusedFor(reasons)
    : ok({
        virtualMachines,
        ...(typeof justification === "string" ? { justification } : {}),
        ...(breakGlass === true ? { breakGlass } : {}),
      });
}

function idFaults(
  vm: InitiateVirtualMachine,
  index: number,
  subscriptionId: string,
): readonly Reason[] {
  const fault = virtualMachineIdFault(vm.id, subscriptionId, `virtualMachines[${index}].id`);
  return fault === undefined
    ? []
    : [fault.code === "InvalidPolicy" ? { ...fault, code: "InvalidInitiateInput" } : fault];
}

function portFaults(vm: InitiateVirtualMachine, index: number): readonly Reason[] {
  const numbers = vm.ports.map((port) => port.number);
  return repeated(numbers).map((position) =>
    twice(`virtualMachines[${index}].ports[${position}].number`, `Port ${numbers[position]}`),
  );
}

function twice(target: string, what: string): Reason {
  return {
    code: "InvalidInitiateInput",
    message: `${what} is listed twice; ask for it once, with all its sources.`,
    target,
  };
}
