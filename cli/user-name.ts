// Who runs the command, as the machine knows it.

import { userInfo } from "node:os";

export function processUserName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without an entry in the password file.
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}
