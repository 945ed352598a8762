/** Who is calling, as proven by a validated token. Identity is tenant and object id; the name is for people only. */
export interface Caller {
  readonly tenantId: string;
  readonly objectId: string;
  /** User principal name where the token has one, else the object id. */
  readonly name: string;
  readonly kind: "user" | "application";
}
