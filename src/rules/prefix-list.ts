import { parsePrefix } from "./cidr.ts";
import { readOnce } from "./read-once.ts";

/** The entries of a list as {@link parsePrefix} reads them. */
export const readPrefixes = readOnce(parsePrefix);
