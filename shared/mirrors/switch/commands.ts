// What an administrator types where Toji may not: the change of an external repo's address, and new repos of its tags.

/** One word of a POSIX shell, whatever is in it. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

const PLAIN_WORD = /^[\w@%+=:,./][\w@%+=:,./-]*$/;

function shellWord(text: string): string {
  return PLAIN_WORD.test(text) ? text : shellQuoted(text);
}

/** One command for each line. Options and arguments: koji's `edit-external-repo` and `regen-repo`. */
export function administratorCommands(repo: string, url: string, tags: readonly string[]): string[] {
  return [`koji edit-external-repo --url=${shellQuoted(url)} ${shellWord(repo)}`, ...regenerationCommands(tags)];
}

/** `--nowait`: the command would else stay until the repo is READY. */
export function regenerationCommands(tags: readonly string[]): string[] {
  return tags.map((tag) => `koji regen-repo --nowait ${shellWord(tag)}`);
}

/** The end of a sentence: "koji ...; koji ...". */
export function commandText(commands: readonly string[]): string {
  return commands.join("; ");
}
