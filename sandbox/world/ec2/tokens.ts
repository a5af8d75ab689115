// Client tokens: the same token and parameters get the first answer again, other parameters an error.

import { ec2Error } from "./errors.ts";

export class ClientTokens<Answer> {
  readonly #answers = new Map<string, { readonly parameters: string; readonly answer: Answer }>();

  /** Runs `make` unless the token was used; a call that failed does not use its token up. */
  once(token: string | undefined, input: object, make: () => Answer): Answer {
    if (token === undefined) return make();
    const parameters = canonical({ ...input, ClientToken: undefined });
    const known = this.#answers.get(token);
    if (known !== undefined) {
      if (known.parameters === parameters) return structuredClone(known.answer);
      throw ec2Error(
        "IdempotentParameterMismatch",
        `Client token ${token} was used before with other parameters: use a new token for a new request`,
      );
    }
    const answer = make();
    this.#answers.set(token, { parameters, answer: structuredClone(answer) });
    return answer;
  }
}

/** JSON with sorted keys; a field that is undefined is the same as one that is absent. */
function canonical(value: object): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === "object" && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
