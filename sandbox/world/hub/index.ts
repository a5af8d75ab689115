// The door of the hub model.
export type { HostTask } from "./builder.ts";
export { BuilderSession } from "./builderSession.ts";
export type { TaskEvent, TaskWait } from "./events.ts";
export { isOffline, KojiFault } from "./fault.ts";
export { ADMIN_USER, createHub, type HostSeed, type Hub } from "./hub.ts";
export type { TaskResult, TaskRow } from "./rows.ts";
export type { HubAnswer } from "./rpc/answer.ts";
export type { ClientCertificate } from "./sessions.ts";
export { taskArch } from "./tasks.ts";
export type { HubUser } from "./user.ts";
