import { get } from "node:https";

/** The JSON answer of an https server with a certificate authority of its own. */
export function getJson(
  url: string,
  options: { readonly ca: string; readonly headers?: Record<string, string> },
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    get(url, options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve(JSON.parse(text)));
    }).on("error", reject);
  });
}
