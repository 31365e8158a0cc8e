// The directives of test scripts, in the order in which the script grammar of the specification's interpreter lists them.
namespace Tarn.Wast;

/// <summary>Kinds of directives.</summary>
internal enum ScriptCommandKind : byte
{
    /// <summary>A module, which is defined and instantiated: <see cref="ScriptCommand.Module"/>.</summary>
    Module,

    /// <summary>A module that is only defined, under a name.</summary>
    ModuleDefinition,

    /// <summary>An instance (<see cref="ScriptCommand.Name"/>, maybe null) of a definition (<see cref="ScriptCommand.Target"/>, maybe null for the last one).</summary>
    ModuleInstance,

    /// <summary>Makes an instance (<see cref="ScriptCommand.Name"/>, null for the last one) importable as <see cref="ScriptCommand.Text"/>.</summary>
    Register,

    /// <summary>An action whose results are not looked at.</summary>
    Action,

    /// <summary>An action and its <see cref="ScriptCommand.Results"/>.</summary>
    AssertReturn,

    /// <summary>An action that traps, or a module (<see cref="ScriptCommand.Module"/>) whose instantiation does.</summary>
    AssertTrap,

    /// <summary>An action that exhausts the stack.</summary>
    AssertExhaustion,

    /// <summary>An action that ends with an uncaught exception.</summary>
    AssertException,

    /// <summary>A module that cannot be read.</summary>
    AssertMalformed,

    /// <summary>A module that can be read and is invalid.</summary>
    AssertInvalid,

    /// <summary>A valid module whose imports do not fit.</summary>
    AssertUnlinkable,

    /// <summary>A module with an annotation or custom section that cannot be read.</summary>
    AssertMalformedCustom,

    /// <summary>A module with an annotation or custom section that is invalid.</summary>
    AssertInvalidCustom,

    /// <summary>A thread named <see cref="ScriptCommand.Name"/> that runs <see cref="ScriptCommand.Commands"/>, sharing the instance <see cref="ScriptCommand.Target"/>.</summary>
    Thread,

    /// <summary>Waits for the thread named <see cref="ScriptCommand.Name"/>.</summary>
    Wait,
}
