import fc from "fast-check";
import type { Machine } from "../../../src/ports.ts";
import type { MachinesByName } from "../../../src/rules/cleaner.ts";
import { vmId } from "../../support/builders.ts";

/** What may be known of the VMs that Defender's rules name: where they are, that they are gone, or nothing. */
export const knownMachines: fc.Arbitrary<MachinesByName> = fc
  .array(
    fc.record({
      name: fc.constantFrom("web-1", "db", "gone"),
      addresses: fc.uniqueArray(fc.constantFrom("10.0.0.4", "10.0.0.5", "10.0.9.9")),
    }),
    { maxLength: 3 },
  )
  .chain((found) =>
    fc.constantFrom<readonly string[]>([], ["gone"], ["web-1", "db", "gone"]).map((absent) => {
      const named = Map.groupBy(found.map(aMachine), (each) => each.name);
      return new Map<string, readonly Machine[]>([
        ...absent.map((name) => [name, []] as const),
        ...named,
      ]);
    }),
  );

const aMachine = ({
  name,
  addresses,
}: {
  readonly name: string;
  readonly addresses: readonly string[];
}): Machine => ({
  id: vmId(name),
  name,
  location: "westeurope",
  addresses: addresses.map((address) => ({
    address,
    family: 4,
    networkInterfaceId: "nic",
    gates: [],
  })),
});
