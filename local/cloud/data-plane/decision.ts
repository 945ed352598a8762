/** Whether a new connection is let in, and by which rule of which NSG or firewall; after the first Deny nothing else is asked. */
export interface Verdict {
  readonly letsIn: boolean;
  readonly decidedBy: readonly Decision[];
  /** Said when it was no rule that decided. */
  readonly note?: string;
}

/** The word of one rule, of an NSG or of a firewall. */
export interface Decision {
  readonly networkSecurityGroup?: string;
  readonly firewall?: string;
  /** Of a firewall: where the rule stands; of its policy, `group/collection`. */
  readonly collection?: string;
  readonly rule: string;
  readonly access: "Allow" | "Deny";
  /** Of a DNAT rule: `address:port` where the packet goes instead. */
  readonly translatedTo?: string;
}
