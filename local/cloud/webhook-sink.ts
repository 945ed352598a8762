import { CloudError, type Route } from "./router.ts";

/** One delivery as it came in, with all its headers. */
export interface ReceivedWebhook {
  readonly time: string;
  /** The last part of the address it was sent to. */
  readonly name: string;
  readonly headers: Readonly<Record<string, unknown>>;
  /** As text: a signature is over exactly these characters. */
  readonly body: string;
}

const mostDeliveries = 200;

/**
 * A receiver of webhooks, to see by hand what the app sends: `POST /local/webhook-sink/{name}` takes whatever comes, `GET`
 * of the same path, or without a name, shows the last 200, and `DELETE` forgets them. `?status=503` in the address it is
 * sent to makes it answer so.
 */
export function webhookSinkRoutes(now: () => Date): readonly Route[] {
  let received: readonly ReceivedWebhook[] = [];
  const all = "/local/webhook-sink";
  const show = (name?: string) => ({
    status: 200,
    body: { value: received.filter((one) => name === undefined || one.name === name) },
  });
  return [
    {
      method: "POST",
      path: `${all}/{name}`,
      needsArmToken: false,
      handle: (request, { name = "" }) => {
        const { headers, body, query } = request;
        const delivery = { time: now().toISOString(), name, headers, body: body.toString("utf8") };
        received = [...received, delivery].slice(-mostDeliveries);
        return { status: statusOf(query.get("status")) };
      },
    },
    { method: "GET", path: all, needsArmToken: false, handle: () => show() },
    {
      method: "GET",
      path: `${all}/{name}`,
      needsArmToken: false,
      handle: (_request, { name }) => show(name),
    },
    {
      method: "DELETE",
      path: all,
      needsArmToken: false,
      handle: () => {
        received = [];
        return { status: 204 };
      },
    },
  ];
}

function statusOf(asked: string | null): number {
  const status = Number(asked ?? 202);
  if (Number.isInteger(status) && status >= 200 && status <= 599) return status;
  throw new CloudError(400, "InvalidStatus", `'${asked}' is no status; expected 200 to 599.`);
}
