/**
 * Who may what in the sample estate, and where its machines are: written out by hand from the roles' documented meaning, so that
 * nothing of `src/` decides what is right.
 */

/** Private addresses of a machine, by the network security group in front of them. */
export type Places = Readonly<Record<string, readonly string[]>>;

const farm = Array.from({ length: 20 }, (_, index): readonly [string, Places] => [
  `vm-farm-${String(index + 1).padStart(2, "0")}`,
  { "nsg-farm": [`10.10.8.${11 + index}`] },
]);

/** The machines that can be protected, all of them in rg-demo and westeurope. */
export const machines: ReadonlyMap<string, Places> = new Map<string, Places>([
  ["vm-linux", { "nsg-linux": ["10.10.1.4"] }],
  ["vm-windows", { "nsg-shared-subnet": ["10.10.2.4"] }],
  ["vm-build", { "nsg-shared-subnet": ["10.10.2.5"] }],
  ["vm-both", { "nsg-both-nic": ["10.10.3.4"], "nsg-both-subnet": ["10.10.3.4"] }],
  [
    "vm-dual",
    { "nsg-dual-front": ["10.10.4.4", "fd00:10:0:4::4"], "nsg-dual-back": ["10.10.5.4"] },
  ],
  ...farm,
]);

/** One without a group, a classic one, and one that does not exist. */
export const unprotectable = ["vm-bare", "vm-classic", "vm-gone"] as const;

/** The machine that has the address, and whether that group is in front of it. */
export function machineAt(address: string, group: string): string | undefined {
  return [...machines].find(([, places]) => places[group]?.includes(address))?.[0];
}

const aliceMay = ["vm-linux", "vm-windows", "vm-both"];

/** Object ids of the estate's people, application and groups. */
export const objectIds = {
  olivia: "dbc4842e-9c24-5a1a-9a16-050442db0b7a",
  sam: "45f9a122-cce6-59e7-9bef-253bafff16bf",
  alice: "2c65348d-7137-5b97-b703-8ec989ced599",
  bob: "6bc31f93-3ac9-530b-b918-07adcacdf949",
  rita: "00baf272-1060-5574-b2ed-07d5132be31e",
  carol: "38264aed-ab24-5115-ba83-11a279429223",
  dan: "67b1f2d5-7e8a-5143-a0ae-e60dea4518b1",
  frank: "f4caf8c0-16b5-5e24-99d8-cee46fa19750",
  gus: "fd6f9a1f-caf8-5504-9681-a655882c17cd",
  eve: "057ff420-fe67-51c2-a247-3516ac6d9f7a",
  pipeline: "25c9229b-8a59-52c7-8f8b-dc42966fd802",
} as const;
export type Person = keyof typeof objectIds;

export const everybody = Object.keys(objectIds) as Person[];

/** Members of each group, those of groups within it too. */
export const groupMembers = {
  requesters: { objectId: "587a0cd5-4bee-56f8-ab31-2be0c4dbbe6b", members: ["carol"] },
  approvers: { objectId: "bfb51f14-d783-5626-b1df-cb6a46084004", members: ["bob", "dan"] },
  oncall: { objectId: "f0f9e807-5ec2-5864-83f3-fb0a3306c210", members: ["dan"] },
} as const satisfies Record<
  string,
  { readonly objectId: string; readonly members: readonly Person[] }
>;

/** Whoever asks for, answers, reviews and configures with an account that is not disabled. */
export const isEnabled = (person: Person): boolean => person !== "gus";

/** Who may write and delete policies of any machine. */
export const configurators: readonly Person[] = ["olivia", "sam"];

/** Who may ask for access to every machine of rg-demo, by a role or through a group. */
const askers: readonly Person[] = ["olivia", "sam", "bob", "carol", "frank", "pipeline"];

export function mayAskFor(person: Person, machine: string): boolean {
  return askers.includes(person) || (person === "alice" && aliceMay.includes(machine));
}

export function mayConfigure(person: Person): boolean {
  return configurators.includes(person);
}
