import { beforeEach, describe, expect, it } from "@jest/globals";
import { type Person, paths } from "../support/front-door.ts";
import { approval, createRequestDoor, ref } from "../support/request-door.ts";

describe("the evidence", () => {
  let at: ReturnType<typeof createRequestDoor>;
  beforeEach(() => {
    at = createRequestDoor();
  });
  const evidence = (id: string, as: Person = "olivia", query = "", headers = {}) =>
    at.door.call("GET", `${paths.evidence(id)}${query}`, { as, headers });
  it("x", async () => {
    await at.protect({ approval });
    const { id } = (await at.ask({ justification: "INC-1" })).json;
    await at.minutes(5);
    await at.act(id, "approve", "rita", { comment: "ok" });
    await at.door.work();
    await at.minutes(10);
    const next = (await at.act(id, "extend", "alice", { duration: "PT2H" })).json;
    await at.act(next.id, "approve", "rita");
    await at.door.work();
    await at.minutes(10);
    await at.act(next.id, "revoke", "alice");
    await at.door.work();
    const one = await evidence(id);
    console.log(JSON.stringify(one.json, null, 1));
    const two = await evidence(next.id, "olivia", "?format=markdown");
    console.log(two.text, [...two.headers]);
  });
});
