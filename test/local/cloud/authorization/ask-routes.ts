import { refusal } from "../../../../local/cloud/answers.ts";
import { createMatcher } from "../../../../local/cloud/matching.ts";
import { CloudError, type Principal, type Route } from "../../../../local/cloud/router.ts";

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what a raw request is answered is exactly what a test looks into
  readonly body: any;
}

/** One request to routes without a network in between; refusals come as the answers they would be. */
export async function askRoutes(
  routes: readonly Route[],
  method: string,
  target: string,
  body?: unknown,
  principal?: Principal,
): Promise<Answer> {
  const [path = "", search = ""] = target.split("?", 2);
  const match = createMatcher(routes).match(method, path);
  if (match === undefined) throw new Error(`no route for ${method} ${path}`);
  const request = {
    method,
    origin: "https://localhost:7073",
    path,
    query: new URLSearchParams(search),
    headers: {},
    body: Buffer.from(body === undefined ? "" : JSON.stringify(body)),
    ...(principal === undefined ? {} : { principal }),
  };
  try {
    const answer = await match.route.handle(request, match.parameters);
    return { status: answer.status, body: answer.body };
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    const { status, body: shown } = refusal(error);
    return { status, body: shown };
  }
}

export function namesIn({ body }: Answer): string[] {
  return body.value.map((item: { name: string }) => item.name);
}
