// What must always hold, in one sentence each. Judged by EC2, the hub and the machines themselves, never by what Toji says.

export const RULES = {
  "busy-kept":
    "Toji terminates no builder whose host holds an ASSIGNED or OPEN task, unless its own kojid never checked in",
  "boots-end":
    "no instance outlives the boot limit by two passes without a kojid that checked in and a host that was enabled",
  "enabled-when-safe":
    "Toji enables no host that the hub takes for ready before its builder's kojid has checked in, unless it holds tasks",
  "tags-return": "no instance of ours is without its tags for longer than two passes",
  "no-ghost-hosts":
    "no host of a slot is enabled without an instance for longer than two passes, unless it holds tasks",
  "tasks-come-back":
    "no task stays on the host of a vanished instance longer than the hub's own timeouts (with admin: two passes)",
  "one-instance-a-slot": "two live instances never claim one slot",
  "within-max": "no profile has more instances than its max",
  "within-budget": "instances, vCPUs and dollars per hour stay within the budget",
  "no-blind-launch": "nothing is launched by a pass that could not see the hub and EC2",
  "starts-in-time":
    "a FREE task that a profile can run, with slots and budget left, starts within a boot and two scheduler runs",
  "idle-gives-way":
    "no FREE task waits for good for budget that builders use up which idle above their floor and cannot run it",
  "queue-served": "once all is calm every task comes to its end",
  "fleet-empties": "once all is calm and done the fleet falls to its floor within hold and drain",
  "nothing-left-behind": "once all is calm no identity and no template version is left of a launch that is over",
  "hub-agrees": "once all is calm the enabled hosts of the slots are those of the builders that serve",
  "hand-obeyed":
    "nothing pinned is terminated, nothing held is launched or terminated, and no host is enabled that a person disabled",
  "hand-followed": "once all is calm nothing is left that a person wanted drained, or of an image that was replaced",
  "no-crash": "the models and the handler end no run with an error of their own",
} as const;
export type Rule = keyof typeof RULES;

export interface Violation {
  readonly at: number;
  readonly rule: Rule;
  readonly detail: string;
}
