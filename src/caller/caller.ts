/** Somebody of a directory, known by tenant and object id alone. */
export interface Principal {
  readonly tenantId: string;
  readonly objectId: string;
  readonly kind?: "user" | "application" | undefined;
}

/** Who is calling, as proven by a validated token. Identity is tenant and object id; the name is for people only. */
export interface Caller extends Principal {
  /** User principal name where the token has one, else the object id. */
  readonly name: string;
  readonly kind: "user" | "application";
  /** Client id of the application that a person uses, or that acts; lower-case, absent where the sign-in does not tell. */
  readonly application?: string | undefined;
}
