import { CloudError } from "../router.ts";

/** The values of a `$filter` by the lower-case name of their term; a term without a value has "". */
export type Filter = ReadonlyMap<string, string>;

/** `name()`, `name('value')`; `name eq 'value'`. A quote inside a value is doubled. GUIDs are compared without quotes too. */
const CALL = /^(\w+)\(\s*('(?:[^']|'')*')?\s*\)$/;
const COMPARISON = /^(\w+)\s+eq\s+('(?:[^']|'')*'|[0-9a-f-]{36})$/i;
/** An `and` outside quotes: an even number of quotes follows it. */
const AND = /\s+and\s+(?=(?:[^']*'[^']*')*[^']*$)/i;

/**
 * Reads terms joined by `and`. `supported` lists their forms, `atScope()`, `assignedTo('')`, `principalId eq ''`; any other
 * term is refused, since a filter that is ignored answers too much.
 */
export function parseFilter(filter: string | undefined, supported: readonly string[]): Filter {
  if (filter === undefined || filter.trim() === "") return new Map();
  const names = new Map(supported.map((form) => [form.toLowerCase(), nameOf(form)]));
  return new Map(
    filter.split(AND).map((each) => {
      const { form, value } = readTerm(each.trim());
      const name = names.get(form);
      if (name !== undefined) return [name, value] as const;
      throw new CloudError(
        400,
        "UnsupportedQuery",
        `The filter '${filter}' is not supported. Supported filters are ${supported.join(", ")}, joined by 'and'.`,
      );
    }),
  );
}

/** A term's form, in lower case and with its value taken out. */
function readTerm(term: string): { form: string; value: string } {
  const call = CALL.exec(term);
  if (call !== null)
    return { form: `${nameOf(term)}(${call[2] ? "''" : ""})`, value: bare(call[2]) };
  const comparison = COMPARISON.exec(term);
  if (comparison !== null) return { form: `${nameOf(term)} eq ''`, value: bare(comparison[2]) };
  return { form: "", value: "" };
}

function nameOf(term: string): string {
  return (/^\w+/.exec(term)?.[0] ?? "").toLowerCase();
}

function bare(value = ""): string {
  return value.startsWith("'") ? value.slice(1, -1).replaceAll("''", "'") : value;
}
