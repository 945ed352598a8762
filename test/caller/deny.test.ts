import { describe, expect, it } from "@jest/globals";
import {
  type DenyPrincipal,
  deniesFor,
  everyone,
  groupsInQuestion,
  type Memberships,
} from "../../src/caller/deny.ts";
import { aDeny } from "../support/rights-builders.ts";

const alice = { tenantId: "tenant", objectId: "ALICE" };
const everybody: DenyPrincipal = { id: everyone, type: "SystemDefined" };
const herself: DenyPrincipal = { id: "alice", type: "User" };
const bob: DenyPrincipal = { id: "bob", type: "User" };
const robot: DenyPrincipal = { id: "robot", type: "ServicePrincipal" };
const team: DenyPrincipal = { id: "Team", type: "Group" };
const crew: DenyPrincipal = { id: "crew", type: "Group" };
const guests: DenyPrincipal = { id: "guests", type: "ForeignGroup" };

const isMember: Memberships = new Map([["team", true]]);
const isNone: Memberships = new Map([
  ["team", false],
  ["crew", false],
]);
const nobodyKnows: Memberships = new Map();

function listed(principals: readonly DenyPrincipal[], excludePrincipals: readonly DenyPrincipal[]) {
  return { ...aDeny(), principals, excludePrincipals };
}

describe("whom a deny assignment applies to", () => {
  it.each<
    [
      string,
      readonly DenyPrincipal[],
      readonly DenyPrincipal[],
      Memberships,
      "applies" | "is assumed to apply" | "does not apply",
    ]
  >([
    ["everybody", [everybody], [], nobodyKnows, "applies"],
    ["the caller, in other letters", [herself], [], nobodyKnows, "applies"],
    ["somebody else", [bob], [], nobodyKnows, "does not apply"],
    ["somebody else's application", [robot], [], nobodyKnows, "does not apply"],
    ["nobody", [], [], nobodyKnows, "does not apply"],
    ["a group that holds the caller", [team], [], isMember, "applies"],
    ["a group that does not", [team], [], isNone, "does not apply"],
    ["a group of which nobody can tell", [team], [], nobodyKnows, "is assumed to apply"],
    ["one of two groups", [crew, team], [], isMember, "applies"],
    ["a group of another directory", [guests], [], isNone, "is assumed to apply"],
    ["a kind that we do not know", [{ id: "x", type: "" }], [], isNone, "is assumed to apply"],
    ["everybody but the caller", [everybody], [herself], nobodyKnows, "does not apply"],
    ["everybody but somebody else", [everybody], [bob], nobodyKnows, "applies"],
    ["everybody but the caller's group", [everybody], [team], isMember, "does not apply"],
    ["everybody but a group of others", [everybody], [team], isNone, "applies"],
    ["everybody but a group nobody knows", [everybody], [team], nobodyKnows, "is assumed to apply"],
    ["a group but the caller", [team], [herself], isMember, "does not apply"],
    ["a group nobody knows but the caller", [team], [herself], nobodyKnows, "does not apply"],
    ["the caller, and everybody excluded", [herself], [everybody], nobodyKnows, "does not apply"],
  ])("names %s", (_case, principals, excluded, memberships, expected) => {
    const found = deniesFor([listed(principals, excluded)], alice, memberships);

    expect(
      found.length === 0
        ? "does not apply"
        : found[0]?.isAssumed
          ? "is assumed to apply"
          : "applies",
    ).toBe(expected);
  });
});

describe("the groups that the directory has to be asked about", () => {
  const asked = (...denies: readonly ReturnType<typeof listed>[]) =>
    groupsInQuestion(denies, alice);

  it("are none where people and applications are named alone", () => {
    expect(asked(listed([everybody], [robot]), listed([bob, herself], []))).toEqual([]);
  });

  it("are each once, in lower case, whoever names them", () => {
    expect(asked(listed([team, crew], []), listed([everybody], [team]))).toEqual(["team", "crew"]);
  });

  it("are not those that change nothing any more", () => {
    expect(asked(listed([everybody, team], []))).toEqual([]);
    expect(asked(listed([team], [herself, crew]))).toEqual([]);
    expect(asked(listed([bob], [crew]))).toEqual([]);
  });

  it("are not those of another directory, of which ours knows nothing", () => {
    expect(asked(listed([guests], []))).toEqual([]);
  });
});
