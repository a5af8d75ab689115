// Runs without stack traces: the models' errors are answers, made by the thousand, and vitest records a hundred frames of
// each, which is a third of a run's time. A replay of a failed seed has them (`npm run simulate -- --trace`).

export async function withoutStacks<T>(run: () => Promise<T>): Promise<T> {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return await run();
  } finally {
    Error.stackTraceLimit = before;
  }
}
