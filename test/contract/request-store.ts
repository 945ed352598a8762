import { beforeEach, describe, expect, it } from "@jest/globals";
import type { AccessRequest } from "../../src/access/request.ts";
import type { RequestStore } from "../../src/ports.ts";
import { aRequest, policyId } from "../support/stored-samples.ts";
import type { Pair } from "./gate-store.ts";

/** What every store of requests promises. */
export function requestStoreContract(open: () => Pair<RequestStore>): void {
  describe("the store of requests", () => {
    let requests: RequestStore;
    let otherProcess: RequestStore;

    beforeEach(() => {
      ({ one: requests, other: otherProcess } = open());
    });

    it("finds a request by its id", async () => {
      const request = aRequest({ justification: "Change 4711" });

      await requests.create(request);

      expect(await otherProcess.get(request.id)).toEqual(request);
      expect(await otherProcess.get("unknown")).toBeUndefined();
    });

    it("tells which requests have a window that is not over, until the last of them is", async () => {
      const window = {
        id: "w",
        vmId: "/vm",
        port: 22,
        protocol: "TCP",
        sources: ["*"],
        closesAt: "2026-03-01T10:00:00.000Z",
        state: "open",
      } as const;
      const [live, over] = [aRequest({ windows: [window] }), aRequest({ windows: [window] })];
      await requests.create(live);
      await requests.create(over);
      const close = (request: AccessRequest): AccessRequest => ({
        ...request,
        windows: request.windows.map((window) => ({ ...window, state: "closed" })),
      });

      const before = await otherProcess.live();
      await requests.change(over.id, close);
      const after = await otherProcess.live();
      await otherProcess.change(live.id, close);

      expect(before.map(({ id }) => id).sort()).toEqual([live.id, over.id].sort());
      expect(after).toEqual([live]);
      expect(await requests.live()).toEqual([]);
    });

    it("counts the live requests of somebody, up to as many as are asked for", async () => {
      const window = {
        id: "w",
        vmId: "/vm",
        port: 22,
        protocol: "TCP",
        sources: ["*"],
        closesAt: "2026-03-01T10:00:00.000Z",
        state: "pending approval",
      } as const;
      const requestor = {
        tenantId: "11111111-0000-4000-8000-00000000000A",
        objectId: "22222222-0000-4000-8000-00000000000B",
        name: "mallory",
      };
      const lower = { ...requestor, objectId: requestor.objectId.toLowerCase() };
      const [first] = [
        await requests.create(aRequest({ requestor, windows: [window] })),
        await requests.create(aRequest({ requestor: lower, windows: [window] })),
        await requests.create(aRequest({ requestor, windows: [window] })),
        await requests.create(aRequest({ windows: [window] })),
      ];
      const before = await otherProcess.countLive(requestor, 10);
      await requests.change(first.id, (current) => ({
        ...current,
        windows: current.windows.map((each) => ({ ...each, state: "closed" })),
      }));

      expect(before).toBe(3);
      expect(await otherProcess.countLive(lower, 10)).toBe(2);
      expect(await otherProcess.countLive(lower, 1)).toBe(1);
    });

    it("shows as many requests of a policy as are asked for, the newest", async () => {
      const days = ["01", "02", "03"].map((day) => `2026-03-${day}T00:00:00.000Z`);
      const [, second, third] = await Promise.all(
        days.map((createdAt) => requests.create(aRequest({ createdAt }))),
      );

      const shown = await otherProcess.ofPolicy(third?.policyId ?? "", new Date(0), 2);

      expect(shown.map(({ id }) => id)).toEqual([third?.id, second?.id]);
    });

    it("creates a request once; later calls change nothing", async () => {
      const request = aRequest();
      await requests.create(request);
      await requests.change(request.id, (current) => ({ ...current, justification: "changed" }));

      await otherProcess.create({ ...request, createdAt: "2026-03-02T00:00:00.000Z" });

      expect(await requests.ofPolicy(request.policyId, new Date(0))).toEqual([
        { ...request, justification: "changed" },
      ]);
    });

    it("answers a change with the result, and keeps it", async () => {
      const request = aRequest();
      await requests.create(request);

      const changed = await requests.change(request.id, noted("done"));

      expect(changed?.justification).toBe("done");
      expect(await otherProcess.get(request.id)).toEqual(changed);
    });

    it("changes nothing of a request nobody knows", async () => {
      expect(await requests.change("unknown", noted("done"))).toBeUndefined();
    });

    it("loses none of 30 changes that come at once from two processes", async () => {
      const request = aRequest({ justification: "" });
      await requests.create(request);

      await Promise.all(
        Array.from({ length: 30 }, (_, index) =>
          (index % 2 === 0 ? requests : otherProcess).change(request.id, (current) => ({
            ...current,
            justification: `${current.justification}${index};`,
          })),
        ),
      );

      const notes = (await requests.get(request.id))?.justification?.split(";").filter(Boolean);
      expect(new Set(notes).size).toBe(30);
      expect(notes).toHaveLength(30);
    });

    it("lets a change that fails fail alone", async () => {
      const request = aRequest();
      await requests.create(request);
      const fail = () => {
        throw new Error("no such window");
      };

      const outcomes = await Promise.allSettled([
        requests.change(request.id, (current) => current),
        requests.change(request.id, fail),
        requests.change(request.id, noted("done")),
      ]);

      expect(outcomes.map((outcome) => outcome.status)).toEqual([
        "fulfilled",
        "rejected",
        "fulfilled",
      ]);
      expect((await requests.get(request.id))?.justification).toBe("done");
    });

    it("lists a policy's requests since a moment, the newest first", async () => {
      const times = [
        "2026-02-27T23:59:59.999Z",
        "2026-02-28T00:00:00.000Z",
        "2026-03-01T09:00:00.000Z",
      ];
      const [tooOld, first, last] = times.map((createdAt) => aRequest({ createdAt }));
      for (const request of [first, last, tooOld]) {
        await requests.create(request as AccessRequest);
      }
      await requests.create(aRequest({ policyId: policyId("other") }));

      const listed = await otherProcess.ofPolicy(
        policyId("DEFAULT"),
        new Date("2026-02-28T00:00:00.000Z"),
      );

      expect(listed).toEqual([last, first]);
    });
  });
}

function noted(justification: string): (request: AccessRequest) => AccessRequest {
  return (request) => ({ ...request, justification });
}
