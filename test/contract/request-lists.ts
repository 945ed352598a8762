import { beforeEach, describe, expect, it } from "@jest/globals";
import type { WindowState } from "../../src/access/life.ts";
import type { AccessRequest, Decision, Window } from "../../src/access/request.ts";
import { BadContinuation } from "../../src/activity/query.ts";
import type { RequestQuery, RequestStore } from "../../src/ports.ts";
import { aRequest, policyId, subscriptionId, vmId } from "../support/stored-samples.ts";
import type { Pair } from "./gate-store.ts";

const windowOf = (values: Partial<Window> = {}): Window => ({
  id: "w-0-22",
  vmId: vmId("web1"),
  port: 22,
  protocol: "TCP",
  sources: ["203.0.113.7"],
  closesAt: "2026-03-01T10:00:00.000Z",
  state: "open",
  ...values,
});
const becoming =
  (state: WindowState) =>
  (request: AccessRequest): AccessRequest => ({
    ...request,
    windows: request.windows.map((window) => ({ ...window, state })),
  });

const decision: Decision = { id: "d", kind: "deny", at: "2026-03-01T09:30:00.000Z" };
const told = (request: AccessRequest): AccessRequest => ({
  ...request,
  decisions: (request.decisions ?? []).map((one) => ({ ...one, isTold: true })),
});

const [alice, bob] = ["a", "b"].map((name) => ({
  tenantId: "AAAAAAAA-0000-4000-8000-000000000001",
  objectId: `bbbbbbbb-0000-4000-8000-00000000000${name}`,
  name,
})) as [AccessRequest["requestor"], AccessRequest["requestor"]];
const otherSubscription = "99999999-2222-3333-4444-555555555555";
const elsewhere = policyId("default").replace(subscriptionId, otherSubscription);
const ids = (requests: readonly AccessRequest[]) => requests.map(({ id }) => id);

/** What every store of requests promises about finding them: those that live, and lists. */
export function requestListsContract(open: () => Pair<RequestStore>): void {
  let requests: RequestStore;
  let otherProcess: RequestStore;

  beforeEach(() => {
    ({ one: requests, other: otherProcess } = open());
  });

  describe("the requests that somebody has to look after", () => {
    it.each<{ case: string; values: Partial<AccessRequest>; end: typeof told }>([
      {
        case: "an answer",
        values: { windows: [windowOf({ state: "pending approval" })] },
        end: becoming("expired unanswered"),
      },
      {
        case: "its windows",
        values: { windows: [windowOf(), windowOf({ state: "closed" })] },
        end: becoming("closed"),
      },
      {
        case: "a decision that was not told yet",
        values: { windows: [windowOf({ state: "denied" })], decisions: [decision] },
        end: told,
      },
      {
        case: "its review",
        values: {
          windows: [windowOf({ state: "closed" })],
          review: { dueAt: "2026-03-02T09:00:00.000Z" },
        },
        end: (request) => ({
          ...request,
          decisions: [{ ...decision, kind: "review", isTold: true }],
        }),
      },
    ])("are those that wait for $case, until there is nothing left", async ({ values, end }) => {
      const [live, over] = [aRequest(values), end(aRequest(values))];
      await requests.create(live);
      await requests.create(over);

      const before = await otherProcess.live();
      await otherProcess.change(live.id, end);

      expect(before).toEqual([live]);
      expect(await requests.live()).toEqual([]);
    });

    it("are of every policy", async () => {
      const windows = [windowOf()];
      const all = [aRequest({ windows }), aRequest({ windows, policyId: elsewhere })];
      for (const request of all) {
        await requests.create(request);
      }

      expect(ids(await otherProcess.live()).toSorted()).toEqual(ids(all).toSorted());
    });
  });

  describe("creating a request", () => {
    it("answers what is stored, also to one who comes later with something else", async () => {
      const request = aRequest({ justification: "first" });

      const first = await requests.create(request);
      await requests.change(request.id, (current) => ({ ...current, contentDigest: "d" }));
      const second = await otherProcess.create({ ...request, justification: "second" });

      expect(first).toEqual(request);
      expect(second).toEqual({ ...request, contentDigest: "d" });
    });

    it("at the same moment in two processes is creating it once", async () => {
      const moments = ["2026-03-01T23:59:59.999Z", "2026-03-02T00:00:00.001Z"];
      const twins = moments.map((createdAt) => aRequest({ id: "twin", createdAt }));

      const answers = await Promise.all([
        requests.create(twins[0] as AccessRequest),
        otherProcess.create(twins[1] as AccessRequest),
      ]);

      const stored = await requests.get("twin");
      expect(answers).toEqual([stored, stored]);
      expect(await requests.ofPolicy(policyId("default"), new Date(0))).toEqual([stored]);
      const { requestor } = aRequest();
      expect(await all({ of: { requestor } })).toEqual([stored]);
      expect(await all({ of: { subscriptionId } })).toEqual([stored]);
    });
  });

  const query = (values: Partial<RequestQuery>): RequestQuery => ({
    of: { subscriptionId },
    from: new Date("2026-02-01T00:00:00.000Z"),
    to: new Date("2026-04-01T00:00:00.000Z"),
    top: 2,
    ...values,
  });
  /** Every page of a list. */
  async function all(values: Partial<RequestQuery>): Promise<readonly AccessRequest[]> {
    const found: AccessRequest[] = [];
    let continuation: string | undefined;
    do {
      const page = await otherProcess.list(query({ ...values, continuation }));
      expect(page.items.length).toBeLessThanOrEqual(values.top ?? 2);
      found.push(...page.items);
      continuation = page.continuation;
    } while (continuation !== undefined);
    return found;
  }

  describe("a list of requests", () => {
    const kinds: readonly { kind: string; of: RequestQuery["of"] }[] = [
      {
        kind: "a requestor",
        of: { requestor: { ...alice, objectId: alice.objectId.toUpperCase() } },
      },
      { kind: "a VM", of: { vmId: vmId("WEB1") } },
      { kind: "a policy", of: { policyId: policyId("DEFAULT") } },
      { kind: "a subscription", of: { subscriptionId: subscriptionId.toUpperCase() } },
    ];
    const windows = [windowOf(), windowOf({ id: "w-1-22", vmId: vmId("web2") })];
    const on = (createdAt: string, values: Partial<AccessRequest> = {}) =>
      aRequest({ createdAt, requestor: alice, windows, ...values });
    const strangers = [
      aRequest({
        requestor: bob,
        policyId: elsewhere,
        windows: [windowOf({ vmId: vmId("web1").replace(subscriptionId, otherSubscription) })],
      }),
      aRequest({
        requestor: { ...alice, tenantId: bob.tenantId.replace("AAAA", "CCCC") },
        policyId: elsewhere.replace(/default$/, "other"),
        windows: [windowOf({ vmId: vmId("web11") })],
      }),
    ];

    it.each(kinds)(
      "of $kind has these alone, page after page, the newest first",
      async ({ of }) => {
        const days = ["02-27", "02-28", "03-01", "03-01", "03-04", "03-09", "03-09", "03-09"];
        const mine = days.map((day, index) => on(`2026-${day}T09:00:0${index}.000Z`));
        for (const request of [...mine.toSorted(() => -1), ...strangers]) {
          await requests.create(request);
        }

        for (const top of [1, 2, 3, 8, 50]) {
          expect(ids(await all({ of, top }))).toEqual(ids(mine.toReversed()));
        }
      },
    );

    it.each(kinds)(
      "of $kind reaches from one moment to the other, both included",
      async ({ of }) => {
        const moments = [
          "2026-02-27T23:59:59.999Z",
          "2026-02-28T00:00:00.000Z",
          "2026-03-03T12:00:00.000Z",
          "2026-03-03T12:00:00.001Z",
        ];
        const asked = moments.map((moment) => on(moment));
        for (const request of asked) {
          await requests.create(request);
        }
        const [from, to] = [new Date(moments[1] ?? ""), new Date(moments[2] ?? "")];

        expect(ids(await all({ of, from, to, top: 1 }))).toEqual(
          ids(asked.slice(1, 3).toReversed()),
        );
      },
    );

    it.each(kinds)(
      "of $kind goes on where a page ended even if more was asked since",
      async ({ of }) => {
        const [first, second, third] = [1, 2, 3].map((day) => on(`2026-03-0${day}T00:00:00.000Z`));
        await requests.create(first as AccessRequest);
        await requests.create(second as AccessRequest);
        const page = await otherProcess.list(query({ of, top: 1 }));
        await requests.create(third as AccessRequest);

        const next = await otherProcess.list(
          query({ of, top: 1, continuation: page.continuation }),
        );

        expect([page.items, next.items]).toEqual([[second], [first]]);
        expect(next.continuation).toBeUndefined();
      },
    );

    it("shows requests of the same moment once each", async () => {
      const together = Array.from({ length: 5 }, () => on("2026-03-01T09:00:00.000Z"));
      for (const request of together) {
        await requests.create(request);
      }

      for (const { of } of kinds) {
        expect(ids(await all({ of })).toSorted()).toEqual(ids(together).toSorted());
      }
    });

    it("shows requests as they are now, not as they were asked", async () => {
      const request = on("2026-03-01T09:00:00.000Z");
      await requests.create(request);
      await requests.change(request.id, becoming("closed"));

      for (const { of } of kinds) {
        expect((await all({ of }))[0]).toEqual(becoming("closed")(request));
      }
    });

    it("is empty where nobody asked", async () => {
      for (const { of } of kinds) {
        expect(await otherProcess.list(query({ of }))).toEqual({ items: [] });
      }
    });

    it.each(kinds)(
      "of $kind never leads into another, whatever continuation is brought",
      async ({ of }) => {
        const mine = [1, 2].map((day) => on(`2026-03-0${day}T00:00:00.000Z`));
        const theirs = [3, 4, 5].map((day) =>
          on(`2026-03-0${day}T00:00:00.000Z`, {
            requestor: bob,
            policyId: elsewhere,
            windows: [windowOf({ vmId: vmId("db") })],
          }),
        );
        for (const request of [...mine, ...theirs]) {
          await requests.create(request);
        }
        const others: readonly RequestQuery["of"][] = [
          { requestor: bob },
          { vmId: vmId("db") },
          { policyId: elsewhere },
          { subscriptionId: otherSubscription },
        ];

        for (const other of others) {
          const { continuation } = await otherProcess.list(query({ of: other, top: 1 }));
          const page = await otherProcess.list(query({ of, top: 50, continuation }));

          expect(continuation).toBeDefined();
          expect(ids(mine)).toEqual(expect.arrayContaining(ids(page.items)));
        }
      },
    );

    it.each([
      "garbage",
      "",
      "e30",
      "eyJhIjoxfQ",
      text([]),
      text(["", "", ""]),
      text(["000020000", 7]),
      text(["' or PartitionKey ne '", "0008638227400000|a"]),
      text(["", "0' or RowKey ne '"]),
      text(["", "0008638227400000|a' or RowKey ne '"]),
    ])("refuses '%s' as a continuation, of whatever it is a list", async (continuation) => {
      for (const { of } of kinds) {
        await expect(requests.list(query({ of, continuation }))).rejects.toThrow(BadContinuation);
      }
    });
  });
}

/** A continuation as one would forge it. */
function text(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
