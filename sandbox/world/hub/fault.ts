// How the hub refuses: Koji's exception as code and text, or a Python exception that is not Koji's.

export class KojiFault extends Error {
  override readonly name = "KojiFault";
  readonly code: number;
  /** Python's class of a code-1 fault: shown before the text, except inside a multiCall. */
  readonly pythonClass: string | null;
  /** Raised while the reply is written: it takes a whole multiCall down (kojihub QueryProcessor.iterate). */
  readonly lazy: boolean;
  constructor(code: number, text: string, options: { pythonClass?: string; lazy?: boolean; cause?: unknown } = {}) {
    super(text, { cause: options.cause });
    this.code = code;
    this.pythonClass = options.pythonClass ?? null;
    this.lazy = options.lazy ?? false;
  }

  get faultString(): string {
    return this.pythonClass === null ? this.message : `<class '${this.pythonClass}'>: ${this.message}`;
  }
}

export const genericError = (text: string) => new KojiFault(1000, text);
export const authError = (text: string) => new KojiFault(1002, text);
export const notAllowed = (text: string) => new KojiFault(1004, text);
export const serverOffline = (text: string) => new KojiFault(1014, text);
export const parameterError = (text: string) => new KojiFault(1019, text);
export const pythonError = (pythonClass: string, text: string) => new KojiFault(1, text, { pythonClass });

/** A query that the database refuses: seen when the reply is written, not when the call is made. */
export const lazyQueryError = (pythonClass: string, text: string) =>
  new KojiFault(1, text, { pythonClass, lazy: true });

/** QueryProcessor.executeOne(strict=True) on nothing. */
export const noRows = () => genericError("query returned no rows");

export const isOffline = (error: unknown): boolean => error instanceof KojiFault && error.code === 1014;
