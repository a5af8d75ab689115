// The door of the hub model.
export type { Assignment, BuildOptions, ImageBuild } from "./administer.ts";
export type { Awaited, HostTask } from "./builder.ts";
export { BuilderSession } from "./builderSession.ts";
export type { HubSettings } from "./context.ts";
export { type TaskEvent, type TaskWait, taskWaits } from "./events.ts";
export { isOffline, KojiFault } from "./fault.ts";
export { ADMIN_USER, createHub, type HostSeed, type Hub, type HubInput } from "./hub.ts";
export { type ChannelPolicy, type ChannelRequest, defaultChannelPolicy } from "./placement.ts";
export type { HostReport, HostRow, TaskResult, TaskRow } from "./rows.ts";
export type { HubAnswer, HubRequest } from "./rpc/answer.ts";
export type { ClientCertificate } from "./sessions.ts";
export type { NewTask } from "./tasks.ts";
export { taskArch } from "./tasks.ts";
export type { HubUser } from "./user.ts";
