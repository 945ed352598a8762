import { stringify } from "csv-stringify/sync";
import { columns, type FactRow } from "../activity/columns.ts";

/**
 * What a spreadsheet may take for the beginning of a formula, full-width forms included, behind characters that it may pass over.
 * NB. Not only at the beginning of a text: where a semicolon or tab parts columns, the quotes around a text do not hold it together, and
 * those in it are taken for the quotes around what follows.
 */
const formulas = /[=+\-@\uFF1D\uFF0B\uFF0D\uFF20](?<=(?:^|[;\t\r\n])[\s\p{C}"]*.)/gu;

/** A cell of Excel holds 32,767 characters; what is longer would spill into other rows. */
const longestCell = 32_000;

const options = {
  record_delimiter: "\r\n",
  // NB. Of itself it quotes CR and LF together alone; one of them without the other ends a row for most readers.
  quote_record_delimiter: true,
  escape_formulas: true,
  header: false,
} as const;

/** NB. Excel takes a file without it for one in the code page of the machine, and spoils every name outside of it. */
const byteOrderMark = "\uFEFF";

/** The first line: byte order mark, and the names of the columns. */
export const csvHead = `${byteOrderMark}${stringify([columns.map(([name]) => name)], options)}`;

/** A line of a CSV file as RFC 4180 wants it, ended by CR and LF, in which no cell is a formula. */
export function csvLine(row: FactRow): string {
  return stringify([columns.map(([, of]) => cellOf(of(row)))], options);
}

function cellOf(value: string | number | undefined): string {
  if (typeof value !== "string") {
    return value === undefined ? "" : String(value);
  }
  return harmless(
    value.length <= longestCell
      ? value
      : `${value.slice(0, longestCell)}… ${value.length - longestCell} more characters`,
  );
}

/** The text, with an apostrophe before whatever could begin a formula: a spreadsheet then takes it for text. */
export function harmless(text: string): string {
  return text.replace(formulas, "'$&");
}
