import type { Application, Estate, Person } from "../estate.ts";
import { parameter } from "../guards.ts";
import { text } from "../read-routes.ts";
import { sameText } from "../resources.ts";
import { CloudError, type CloudRequest, type CloudResponse, type Route } from "../router.ts";
import { type Token, type TokenMaker, type TokenOrder, usualVersion } from "./token.ts";

const LIFETIME_IN_SECONDS = 3600;
const LONGEST_IN_SECONDS = 86_400;
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * `GET /local/tokens/{name}`: what a sample person or application would have after signing in. A disabled account has one
 * too: it stands for a token from before, which Entra ID does not call back. There is no password: whoever reaches the
 * cloud, and it listens on this machine only, may be anybody. Query parameters, all optional:
 * - `audience`: put into the token as it stands; the application's App ID URI when left out.
 * - `version`: `1` or `2`; what the audience's owner would get when left out.
 * - `expiresInSeconds`: negative makes a token that has expired.
 * - `tenant`: another tenant's id, to try out what such a token may do; the person's own when left out.
 */
export function personTokenRoute(estate: Estate, tokens: TokenMaker): Route {
  return {
    method: "GET",
    path: "/local/tokens/{name}",
    needsArmToken: false,
    async handle(request: CloudRequest, parameters): Promise<CloudResponse> {
      const { people, applications = [] } = estate;
      const name = text(parameters, "name");
      const person = named(people, name);
      const application = named(applications, name);
      if (person !== undefined) {
        return answer(await tokens.forPerson(person, order(estate, request, person)));
      }
      if (application !== undefined) {
        return answer(await tokens.forApplication(application, order(estate, request)));
      }
      const known = [...people, ...applications].map((each) => each.name).join(", ");
      throw new CloudError(404, "PersonNotFound", `There is no '${name}' here, but ${known}.`);
    },
  };
}

function answer({ accessToken, expiresOn }: Token): CloudResponse {
  return { status: 200, body: { access_token: accessToken, expires_on: expiresOn } };
}

function named<Item extends Person | Application>(
  items: readonly Item[],
  name: string,
): Item | undefined {
  return items.find((item) => sameText(item.name, name));
}

function order(estate: Estate, { query }: CloudRequest, person?: Person): TokenOrder {
  const audience = parameter(query, "audience") ?? estate.application.appIdUri;
  return {
    audience,
    version: version(parameter(query, "version")) ?? usualVersion(estate, audience),
    tenantId: tenant(parameter(query, "tenant")) ?? person?.tenantId ?? estate.tenantId,
    expiresInSeconds: seconds(parameter(query, "expiresInSeconds")) ?? LIFETIME_IN_SECONDS,
  };
}

function version(given: string | undefined): 1 | 2 | undefined {
  if (given === undefined) return undefined;
  if (given === "1") return 1;
  if (given === "2") return 2;
  throw invalid("version", given, "It is 1 or 2.");
}

function tenant(given: string | undefined): string | undefined {
  if (given === undefined || GUID.test(given)) return given;
  throw invalid("tenant", given, "It is a GUID.");
}

function seconds(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const value = Number(given);
  if (given !== "" && Number.isInteger(value) && Math.abs(value) <= LONGEST_IN_SECONDS)
    return value;
  throw invalid("expiresInSeconds", given, "It is a whole number, at most a day either way.");
}

function invalid(name: string, given: string, rule: string): CloudError {
  return new CloudError(400, "InvalidParameter", `'${given}' is no ${name}. ${rule}`);
}
