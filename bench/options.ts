import { type ParseArgsConfig, parseArgs } from "node:util";

/** A sentence about what is wrong with the options, for whoever typed them. */
export class OptionsError extends Error {
  override readonly name = "OptionsError";
}

/** The values of these options. Throws an OptionsError about the first that nobody knows. */
export function parseValues<T extends NonNullable<ParseArgsConfig["options"]>>(
  given: readonly string[],
  options: T,
) {
  try {
    return parseArgs({ args: [...given], options }).values;
  } catch (cause) {
    // The first sentence names the culprit, the others are about positional arguments, which there are none of.
    const [sentence] = (cause as Error).message.split(". ");
    throw new OptionsError(`${sentence}.`, { cause });
  }
}

/** Throws an OptionsError when the text is no whole number in that range. */
export function wholeNumber(option: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) {
    return number;
  }
  throw new OptionsError(
    `--${option} is a whole number from ${least} to ${most}; it is "${text}".`,
  );
}
