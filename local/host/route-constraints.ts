/** The inline constraints of ASP.NET Core's routing: each looks at the decoded value of one parameter. */
export type Constraint = (value: string) => boolean;

const LARGEST_INT = 2 ** 31;

const plain: Readonly<Record<string, Constraint>> = {
  alpha: (value) => /^[a-z]*$/i.test(value),
  bool: (value) => /^(true|false)$/i.test(value),
  guid: (value) => /^(\{?)[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\}?$/i.test(value),
  int: (value) => isWhole(value) && Number(value) < LARGEST_INT && Number(value) >= -LARGEST_INT,
  long: isWhole,
  decimal: isNumber,
  double: isNumber,
  float: isNumber,
  datetime: (value) => !Number.isNaN(Date.parse(value)),
  required: (value) => value !== "",
};

const withArguments: Readonly<
  Record<string, (first: number, second: number | undefined) => Constraint>
> = {
  length:
    (from, to = from) =>
    (value) =>
      value.length >= from && value.length <= to,
  minlength: (least) => (value) => value.length >= least,
  maxlength: (most) => (value) => value.length <= most,
  min: (least) => (value) => isWhole(value) && Number(value) >= least,
  max: (most) => (value) => isWhole(value) && Number(value) <= most,
  range:
    (from, to = from) =>
    (value) =>
      isWhole(value) && Number(value) >= from && Number(value) <= to,
};

/** Reads `int`, `length(1,5)`, `regex(^a+$)`; undefined for a constraint nobody knows. */
export function parseConstraint(text: string): Constraint | undefined {
  const [, name = "", inner] = /^([a-z]+)(?:\((.*)\))?$/is.exec(text) ?? [];
  const key = name.toLowerCase();
  if (inner === undefined) return own(plain, key);
  if (key === "regex") return matching(inner);
  const [first, second, ...more] = inner.split(",").map(Number);
  const make = own(withArguments, key);
  const numbers = [first, second ?? 0];
  if (!make || first === undefined || more.length > 0 || numbers.some(Number.isNaN)) {
    return undefined;
  }
  return make(first, second);
}

function matching(source: string): Constraint | undefined {
  try {
    const pattern = new RegExp(source, "i");
    return (value) => pattern.test(value);
  } catch {
    return undefined;
  }
}

function isWhole(value: string): boolean {
  return /^[+-]?\d+$/.test(value);
}

function isNumber(value: string): boolean {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value);
}

function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
