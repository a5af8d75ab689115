// The tags of backups: AWS keeps no object for a set, so its members say what they are part of.

import { HUB_TAG } from "../aws/hub-instance.ts";

export const BACKUP_TAG = {
  /** On the hub's instance, value = the fleet's name: which instance is backed up. */
  hub: HUB_TAG,
  /** On all that a backup, a drill or a restore makes, value = the fleet's name. */
  site: "toji:backup",
  /** On a snapshot: id of its set. */
  set: "toji:set",
  /** On a snapshot: how many snapshots its set has in this region. */
  members: "toji:set-members",
  /** On a snapshot: the instant of its set, ISO 8601; written once it is known. */
  instant: "toji:set-instant",
  /** On a snapshot: the grade of its set; written once it is known. */
  grade: "toji:set-grade",
  /** On a snapshot: state of its set; written once it is known, and anew by each drill. */
  state: "toji:set-state",
  /** On a snapshot: what its volume holds: a mount point, "boot", or "unmounted". */
  holds: "toji:holds",
  /** On a copy: the snapshot it is a copy of. */
  copyOf: "toji:copy-of",
  /** On volumes and the instance of a drill: its id. */
  drill: "toji:drill",
  /** On volumes of a restore: its id. */
  restore: "toji:restore",
  /** On volumes that a restore took the place of, and kept: its id. */
  replaced: "toji:restore-replaced",
  /** On a snapshot that a drill or a restore reads: who does. Retention leaves it alone. */
  inUse: "toji:in-use",
} as const;
