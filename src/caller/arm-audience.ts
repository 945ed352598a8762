/**
 * Audiences of Azure Resource Manager by cloud: public, US government, China, and Germany, which has closed. Each has its own
 * address and that of the older service management API, whose tokens it takes too (Az PowerShell's list of environments).
 */
const hosts: readonly string[] = [
  "management.azure.com",
  "management.core.windows.net",
  "management.usgovcloudapi.net",
  "management.core.usgovcloudapi.net",
  "management.chinacloudapi.cn",
  "management.core.chinacloudapi.cn",
  "management.microsoftazure.de",
  "management.core.cloudapi.de",
];

/** The application behind those addresses, which version 2 tokens name instead ("Windows Azure Service Management API"). */
const applicationId = "797f4846-ba00-4fd7-ba43-dac1f8f63013";

/** No audience of theirs is longer. */
const longest = 100;

/**
 * Whether an audience is Azure Resource Manager's, in whatever cloud and spelling (case, scheme, port 443, slashes at the end).
 * NB. Whoever accepts tokens made for it could replay them there: every place that takes an audience asks here.
 */
export function isArmAudience(audience: string): boolean {
  if (audience.length > longest) {
    return false;
  }
  const bare = audience
    .trim()
    .toLowerCase()
    .replace(/^(?:https?|api|spn):\/*/, "")
    .replace(/(?:\/|\.default)*$/, "")
    .replace(/\.?(?::443)?$/, "");
  return bare === applicationId || hosts.includes(bare);
}
