// The door of the hub model.
export type { HostTask } from "./builder.ts";
export { BuilderSession } from "./builder-session.ts";
export type { TaskEvent } from "./events.ts";
export { isOffline, KojiFault } from "./fault.ts";
export { createHub, type Hub } from "./hub.ts";
export type { RepoRow, TaskResult, TaskRow } from "./rows.ts";
export type { HubAnswer } from "./rpc/answer.ts";
export type { ClientCertificate } from "./sessions.ts";
export { taskArch } from "./tasks.ts";
