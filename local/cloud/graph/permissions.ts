import type { DirectoryKind } from "../entra/directory.ts";
import { CloudError, type CloudRequest } from "../router.ts";

const DIRECTORY = ["Directory.Read.All", "Directory.ReadWrite.All"];
const GROUP_MEMBERS = [
  "GroupMember.Read.All",
  "GroupMember.ReadWrite.All",
  "Group.Read.All",
  "Group.ReadWrite.All",
  ...DIRECTORY,
];

/** The application permissions that let one read objects of a kind; any of them will do. */
const READ: Readonly<Record<DirectoryKind, readonly string[]>> = {
  User: ["User.Read.All", "User.ReadWrite.All", ...DIRECTORY],
  ServicePrincipal: ["Application.Read.All", "Application.ReadWrite.All", ...DIRECTORY],
  Group: GROUP_MEMBERS,
};

const WRITE: Readonly<Record<DirectoryKind, readonly string[]>> = {
  User: ["User.EnableDisableAccount.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
  ServicePrincipal: ["Application.ReadWrite.All", "Directory.ReadWrite.All"],
  Group: ["GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"],
};

/**
 * Throws Graph's 403 when an application's token lacks the permission to read such an object (learn.microsoft.com/graph/api:
 * user-get, serviceprincipal-get, group-get). A service principal may always read itself. NB. People's tokens are not held to
 * anything: they stand for administrators who set the scene.
 */
export function requireRead(request: CloudRequest, kind: DirectoryKind, id: string): void {
  if (kind === "ServicePrincipal" && request.principal?.oid.toLowerCase() === id.toLowerCase()) {
    return;
  }
  requireAny(request, READ[kind]);
}

export function requireWrite(request: CloudRequest, kind: DirectoryKind): void {
  requireAny(request, WRITE[kind]);
}

/** Memberships take the right to read the object and the right to read groups (directoryobject-checkmembergroups). */
export function requireMemberships(request: CloudRequest, kind: DirectoryKind): void {
  requireAny(request, READ[kind]);
  requireAny(request, GROUP_MEMBERS);
}

function requireAny({ principal }: CloudRequest, permissions: readonly string[]): void {
  const granted = principal?.roles;
  if (granted === undefined || granted.some((role) => permissions.includes(role))) return;
  throw new CloudError(
    403,
    "Authorization_RequestDenied",
    "Insufficient privileges to complete the operation.",
  );
}
