// The sentences that people read when the hub refuses, and what code reads from the fields.

import { describe, expect, it } from "vitest";
import { HubFault, HubOffline, hubFault } from "../../shared/hub/faults.ts";

describe("a fault", () => {
  it.each<[number, string, boolean, boolean]>([
    [1, "PythonException", false, false],
    [1000, "GenericError", false, false],
    [1001, "LockError", false, true],
    [1002, "AuthError", true, false],
    [1003, "TagError", false, false],
    [1004, "ActionNotAllowed", false, false],
    [1005, "BuildError", false, false],
    [1006, "AuthLockError", true, false],
    [1007, "AuthExpired", true, false],
    [1008, "SequenceError", true, false],
    [1009, "RetryError", true, false],
    [1010, "PreBuildError", false, false],
    [1011, "PostBuildError", false, false],
    [1012, "BuildrootError", false, false],
    [1013, "FunctionDeprecated", false, false],
    [1014, "ServerOffline", false, true],
    [1015, "LiveCDError", false, false],
    [1016, "PluginError", false, false],
    [1017, "CallbackError", false, false],
    [1018, "ApplianceError", false, false],
    [1019, "ParameterError", false, false],
    [1020, "ImportError", false, false],
    [1021, "ConfigurationError", false, false],
    [1022, "LiveMediaError", false, false],
    [1023, "GSSAPIAuthError", true, false],
    [1024, "NameValidationError", false, false],
    [0, "UnknownFault", false, false],
    [1025, "UnknownFault", false, false],
    [-32_601, "UnknownFault", false, false],
  ])("%i is a %s", (code, kind, isAuthError, retryable) => {
    const fault = hubFault(code, "what the hub said", "getHost");
    expect(fault).toBeInstanceOf(HubFault);
    expect(fault instanceof HubOffline).toBe(code === 1014);
    expect(fault).toMatchObject({
      code,
      kind,
      isAuthError,
      retryable,
      faultString: "what the hub said",
      method: "getHost",
    });
    expect(fault.message).toMatch(/^The hub .*what the hub said.*\.$/);
    expect(fault.message).toContain(`fault ${code}`);
  });

  it("with a traceback for its text shows the line that tells", () => {
    const traceback =
      'Traceback (most recent call last):\n  File "x.py", line 1, in f\n    raise E\nValueError: bad number\n';
    expect(hubFault(1, traceback, "editHost").message).toBe(
      "The hub refused editHost: ValueError: bad number (PythonException, fault 1); look into the hub's error log.",
    );
    expect(hubFault(1, traceback).faultString).toBe(traceback);
  });

  it("stays one line of a readable length", () => {
    const { message } = hubFault(1000, `many\nlines ${"and words ".repeat(1000)}`);
    expect(message).not.toContain("\n");
    expect(message.length).toBeLessThan(400);
    expect(message).toMatch(/^The hub refused the call: many lines and words/);
    expect(hubFault(1000, "").message).toBe("The hub refused the call:  (GenericError, fault 1000).");
  });
});
