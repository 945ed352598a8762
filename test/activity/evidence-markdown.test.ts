import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { evidenceMarkdown } from "../../src/activity/evidence-markdown.ts";
import type { Fact } from "../../src/activity/fact.ts";
import { code, plain } from "../../src/activity/markdown.ts";
import { oneLine } from "../../src/notify/text.ts";
import { afterNoon, alice } from "../support/builders.ts";
import { propertyRuns } from "../support/property-runs.ts";
import { aRequest, evidence, toldFact, wholeStory } from "./support/told-story.ts";

/** What people may write who want a page to say something else. */
const hostile = [
  "| x | y |",
  "`code`",
  "``` \n# Heading",
  "</td><script>alert(1)</script>",
  "[click](https://evil.example)",
  "![](https://evil.example/x.png)",
  "*bold* _it_ ~~no~~ # not",
  "\n\n## Complete\n- [x] closed",
  "<!-- ",
  "&lt;b&gt;",
  "www.evil.example and me@evil.example, https://evil.example",
  "\\| \\` \\",
  "\u202egnorw\u2028next\u0000",
  "$x^2$ {a} @all :smile:",
];

/** A document with those words wherever people can put words. */
function document(words: string): string {
  const person = { ...alice, name: words };
  const facts = wholeStory().map(
    (fact): Fact => ({
      ...fact,
      id: fact.id,
      changes: fact.changes?.map((change) => ({ ...change, after: change.after && words })),
    }),
  );
  const refused = toldFact({
    operation: "access.approve",
    outcome: "refused",
    id: "refused",
    at: afterNoon(10),
    actor: person,
    reasons: [{ code: "NotAnApprover", message: words }],
  });
  const told = evidence([...facts, refused], {
    request: aRequest({
      requestor: person,
      justification: words,
      origin: { address: words },
      decisions: [{ id: "d", kind: "approve", by: person, at: afterNoon(1), comment: words }],
    }),
    policy: {
      id: words,
      known: "changed since",
      changes: [{ path: words, before: words, after: words }],
      facts: [],
    },
  });
  return evidenceMarkdown(told, "0".repeat(64));
}

/** What is left of a document when code, escaped marks and words are gone: what Markdown would make something of. */
const structure = (markdown: string): readonly string[] =>
  markdown.split("\n").map((line) =>
    line
      // A colon before a blank makes nothing. From left to right, as Markdown reads: between backticks a backslash is one.
      .replace(/`[^`]+`|\\[!-/:-@[-`{-~]|&(?:#\d+|[a-z]+);|: /g, (one) =>
        one.startsWith("`") ? "`" : "",
      )
      .replace(/[^|`<>[\]*_#!~&@:$=^{}\\]/g, ""),
  );

describe("evidence as Markdown", () => {
  it("tells what happened, with the digest by which it can be cited", () => {
    const text = evidenceMarkdown(evidence(wholeStory()), "ab".repeat(32));

    expect(text).toContain(
      `**Complete**: everything that should be proven by \`${afterNoon(606)}\` is.`,
    );
    expect(text).toContain("- justification: INC-4711");
    expect(text).toContain(`- open as proven: 9.92 minutes, from \`${afterNoon(5)}\``);
    expect(text).toContain(`Read \`${afterNoon(605)}\`. ETag`);
    expect(text.trimEnd().split("\n").at(-1)).toContain("ab".repeat(32));
  });

  it("tells with which application somebody acted", () => {
    const requestor = { ...alice, application: "az-cli" };
    const told = evidence(wholeStory(), { request: aRequest({ requestor }) });

    expect(evidenceMarkdown(told, "")).toMatch(/^- by: .*, with application `az-cli`\)$/m);
  });

  it("does not call a window open until an end that it never reached", () => {
    const text = evidenceMarkdown(evidence(wholeStory()), "");

    expect(text).toContain(`- state: closed (Expired)\n- end of its time: \`${afterNoon(600)}\``);
  });

  it("tells what it shows instead of a bar and a backtick", () => {
    expect(code("2030-01/vm|a`b")).toBe("`2030-01/vm¦a'b`");
    expect(evidenceMarkdown(evidence(wholeStory()), "")).toContain("¦ stands for a vertical bar");
  });

  it("says in plain words what is not proven", () => {
    const facts = wholeStory().filter(
      ({ operation, outcome }) => operation !== "access.close" || outcome !== "done",
    );

    const text = evidenceMarkdown(evidence(facts), "");

    expect(text).toContain("**Not complete** as of");
    expect(text).toContain("- closed: Not proven: it is not recorded");
  });

  it.each(hostile)("keeps its form whatever people wrote: %j", (words) => {
    expect(structure(document(words))).toEqual(structure(document("words")));
  });

  it("makes nothing of any text, and loses nothing of it", () => {
    const texts = fc.oneof(fc.string({ maxLength: 40 }), fc.constantFrom(...hostile));
    fc.assert(
      fc.property(texts, (text) => {
        expect(structure(plain(text))).toEqual([""]);
        expect(shown(plain(text))).toBe(oneLine(text, 2_200));
        expect(plain(text)).not.toMatch(/www\.|https?:|\n/i);
        expect(code(text)).toMatch(/^(`[^`|\n]+`|\(empty\))$/);
      }),
      propertyRuns,
    );
  });
});

/** As a reader sees it. */
function shown(markdown: string): string {
  const named: Readonly<Record<string, string>> = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };
  return markdown.replace(
    /\\([!-/:-@[-`{-~])|&#(\d+);|&[a-z]+;/g,
    (whole, mark: string | undefined, number: string | undefined) =>
      mark ??
      (number === undefined ? (named[whole] ?? whole) : String.fromCharCode(Number(number))),
  );
}
