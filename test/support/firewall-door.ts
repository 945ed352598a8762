import { createFirewallWorld, edge, firewalls, spoke } from "./firewall-world.ts";
import { createFrontDoor, paths } from "./front-door.ts";

/** What is asked for: a port of `edge`, from an address on the Internet, for an hour. */
interface Wish {
  readonly vmId?: string;
  readonly number?: number;
  readonly from?: string;
  readonly duration?: string;
}

const allowed = {
  protocol: "TCP",
  allowedSourceAddressPrefix: "*",
  maxRequestAccessDuration: "PT12H",
};

/** The front door of the world with firewalls, with what people do there in few words. */
export async function createFirewallDoor() {
  const world = await createFirewallWorld();
  const door = createFrontDoor(world);

  /** The body of a policy for both VMs: the ports that are protected already, and `more` ones. */
  const policyBody = (more: readonly number[] = [], ofEdge: object = {}) => {
    const ports = [22, 3389, ...more].map((number) => ({ number, ...allowed }));
    return {
      properties: {
        virtualMachines: [
          { id: edge, ports, ...ofEdge },
          { id: spoke, ports },
        ],
      },
    };
  };
  const requestBody = ({
    vmId = edge,
    number = 22,
    from = "203.0.113.7",
    duration = "PT1H",
  }: Wish = {}) => ({
    virtualMachines: [
      { id: vmId, ports: [{ number, duration, allowedSourceAddressPrefix: from }] },
    ],
  });

  const put = (more: readonly number[] = [], ofEdge: object = {}) =>
    door.call("PUT", paths.policy(), { body: policyBody(more, ofEdge) });
  // Any source may be asked for: no rule changes by that.
  await put();

  return {
    world,
    door,
    put,
    get: () => door.call("GET", paths.policy()),
    ask: (wish: Wish = {}) => door.call("POST", paths.initiate(), { body: requestBody(wish) }),
    planRequest: (wish: Wish = {}) => door.call("POST", paths.plan(), { body: requestBody(wish) }),
    planPolicy: (more: readonly number[] = [], ofEdge: object = {}) =>
      door.call("POST", paths.plan(), { body: policyBody(more, ofEdge) }),
    /** The only window of a request, as `GET` shows it. */
    window: async (id: string) => (await door.call("GET", paths.request(id))).json.windows[0],
    /** Updates that are under way end, and are noticed. */
    settled: () => world.untilSettled(Object.values(firewalls)),
  };
}

export type FirewallDoor = Awaited<ReturnType<typeof createFirewallDoor>>;
