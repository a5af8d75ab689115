// "Job queued" messages on a queue with a delay, and what is known of their jobs when they are read: only how many wait.

export class JobMessages {
  #messages: { readonly due: number; readonly jobs: number }[] = [];

  send(due: number, jobs: number): void {
    if (jobs > 0) this.#messages.push({ due, jobs });
  }

  /**
   * Takes the messages that are due. Jobs start in the order of their messages, so those still queued are the newest:
   * `waiting` = jobs still queued whose message is not on its way any more, `handed` = those of them just taken.
   */
  receive(now: number, queued: number): { readonly handed: number; readonly waiting: number } {
    const due = countJobs(this.#messages.filter((message) => message.due <= now));
    this.#messages = this.#messages.filter((message) => message.due > now);
    const waiting = Math.max(0, queued - countJobs(this.#messages));
    return { handed: Math.min(due, waiting), waiting };
  }
}

function countJobs(messages: readonly { readonly jobs: number }[]): number {
  return messages.reduce((sum, { jobs }) => sum + jobs, 0);
}
