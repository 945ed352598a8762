import { CloudError } from "../router.ts";

/*
 * Azure's refusals of a rule. Codes and words are those of public error reports (issues of azurerm, azure-rest-api-specs,
 * migAz, azure-docs); where only the status is known, the comment says so.
 */

export function refused(code: string, message: string): CloudError {
  return new CloudError(400, code, message);
}

/** Bodies the provider cannot read: wrong types, unknown enum values, missing members. */
export function unreadable(detail: string): CloudError {
  return new CloudError(400, "InvalidRequestFormat", "Cannot parse the request.", [
    { code: "InvalidJson", message: detail },
  ]);
}

export function badName(name: string): CloudError {
  return refused(
    "InvalidResourceName",
    `Resource name ${name} is invalid. The name can be up to 80 characters long. It must begin with a word character, and it must end with a word character or with '_'. The name may contain word characters or '.', '-', '_'.`,
  );
}

export function badPriority(priority: number): CloudError {
  return refused(
    "SecurityRuleInvalidPriority",
    `Security rule has invalid Priority. Value provided: ${priority} Allowed range 100-4096.`,
  );
}

export function badPrefix(ruleId: string, value: string): CloudError {
  return refused(
    "SecurityRuleInvalidAddressPrefix",
    `Security rule ${ruleId} has invalid Address prefix. Value provided: ${value}`,
  );
}

export function tagInPlural(ruleId: string, parameter: string, value: string): CloudError {
  return refused(
    "SecurityRuleParameterContainsUnsupportedValue",
    `Security rule parameter ${parameter} for rule with Id ${ruleId} cannot specify existing VIRTUALNETWORK, INTERNET, AZURELOADBALANCER, '*' or system tags. Unsupported value used: ${value}.`,
  );
}

/** NB. That Azure refuses mixed families is general knowledge, its code is not known. */
export function mixedFamilies(ruleId: string): CloudError {
  return refused(
    "SecurityRuleInvalidAddressPrefix",
    `Security rule ${ruleId} has invalid Address prefix. IPv4 and IPv6 prefixes cannot be mixed in one rule.`,
  );
}

export function badPorts(value: string): CloudError {
  return refused(
    "SecurityRuleInvalidPortRange",
    `Security rule has invalid Port range. Value provided: ${value}. Value should be an integer OR integer range with '-' delimiter. Valid range 0-65535.`,
  );
}

export function anyAmongPorts(ruleId: string, parameter: string): CloudError {
  return refused(
    "SecurityRuleParameterContainsInvalidPortRanges",
    `Security rule parameter ${parameter} for rule with Id ${ruleId} cannot contain '*' among its port ranges.`,
  );
}

export function missing(ruleId: string, choices: string): CloudError {
  return refused(
    "SecurityRuleParametersMissing",
    `Required security rule parameters are missing for security rule with Id: ${ruleId}. Security rule must specify ${choices}.`,
  );
}

/** NB. Only the refusal itself is known, not Azure's code. */
export function tooMany(ruleId: string, choices: string): CloudError {
  return refused(
    "SecurityRuleParametersConflict",
    `Security rule with Id: ${ruleId} must specify only one of ${choices}.`,
  );
}

/** NB. The limit of 140 characters is documented, Azure's code is not known. */
export function longDescription(ruleId: string, length: number): CloudError {
  return refused(
    "SecurityRuleInvalidDescription",
    `Security rule ${ruleId} has a description of ${length} characters; at most 140 are allowed.`,
  );
}

export function samePriority(name: string, other: string): CloudError {
  return refused(
    "SecurityRuleConflict",
    `Security rule ${name} conflicts with rule ${other}. Rules cannot have the same Priority and Direction. To learn more, see aka.ms/nsgrules.`,
  );
}

export function tooManyRules(nsgId: string, count: number): CloudError {
  return refused(
    "SecurityRuleCountLimitReached",
    `Network security group ${nsgId} cannot have ${count} security rules; at most 1000 are allowed.`,
  );
}
