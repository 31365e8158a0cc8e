// Writes one adapter: the core function that a component imports and whose body lifts its arguments, lowers them to another component, calls it, and takes the result the other way
// (CanonicalABI.md, "canon lift" and "canon lower"), from memory to memory and without the host.
//
// What keeps it safe: all checks of the host's lifting are here again, with the same traps, in the same order where a guest could see it. A check that was forgotten would be a wrong value and no
// hole: the function is validated and compiled like a guest's, so each access is bounds-checked. Whatever ends it early (a trap, the deadline, fuel) ends the call of the host around it as well,
// which marks all instances as ones that are not entered again.
using System.Globalization;
using System.Text;
using Tarn.Components.Abi;

namespace Tarn.Components.Linking;

/// <summary>The writer of an adapter.</summary>
internal sealed class AdapterFunction
{
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _locals = new();
    private readonly AdapterSide _caller;
    private readonly AdapterSide _callee;
    private readonly List<AdapterSite> _sites;
    private int _count;
    private string? _index;
    private string _indent = "      ";

    private AdapterFunction(AdapterSide caller, AdapterSide callee, List<AdapterSite> sites)
    {
        _caller = caller;
        _callee = callee;
        _sites = sites;
    }

    /// <summary>Whether values of a type pass through adapters, if its parts do.</summary>
    public static bool Supports(AbiType type, StringEncoding from, StringEncoding to) => type.Kind switch
    {
        ValueTypeKind.Bool or ValueTypeKind.S8 or ValueTypeKind.U8 or ValueTypeKind.S16 or ValueTypeKind.U16 or ValueTypeKind.S32 or ValueTypeKind.U32 or ValueTypeKind.S64 => true,
        ValueTypeKind.U64 or ValueTypeKind.F32 or ValueTypeKind.F64 or ValueTypeKind.Char or ValueTypeKind.Flags or ValueTypeKind.Enum => true,
        ValueTypeKind.List or ValueTypeKind.Record or ValueTypeKind.Tuple or ValueTypeKind.Variant or ValueTypeKind.Option or ValueTypeKind.Result => true,
        ValueTypeKind.String => from == StringEncoding.Utf8 && to == StringEncoding.Utf8,
        _ => false,
    };

    /// <summary>Writes the function.</summary>
    /// <param name="name">Its export.</param>
    /// <param name="type">The type of the component's function.</param>
    /// <param name="lower">Its core type for the caller.</param>
    /// <param name="lift">Its core type for the callee.</param>
    /// <param name="caller">The component that calls.</param>
    /// <param name="callee">The component that is called.</param>
    /// <param name="related">The instances that the call counts in.</param>
    /// <param name="core">The name of the callee's core function.</param>
    /// <param name="postReturn">The name of what is called when the result has been copied, or null.</param>
    /// <param name="catches">Whether exceptions exist.</param>
    /// <param name="sites">Where traps are added to.</param>
    public static string Write(
        string name, AbiFunction type, CanonicalSignature lower, CanonicalSignature lift, AdapterSide caller, AdapterSide callee, int[] related, string core, string? postReturn, bool catches,
        List<AdapterSite> sites)
    {
        AdapterFunction function = new(caller, callee, sites);
        string[] parameters = [.. lower.Parameters.Select((_, i) => $"$p{i}")];
        string[] results = [.. lower.Results.Select(function.Local)];
        function.Body(type, lower, lift, parameters, results, related, core, postReturn);
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"  (func (export \"{name}\")");
        for (int i = 0; i < parameters.Length; i++)
            text.Append(CultureInfo.InvariantCulture, $" (param {parameters[i]} {lower.Parameters[i]})");
        foreach (ValType result in lower.Results)
            text.Append(CultureInfo.InvariantCulture, $" (result {result})");
        text.Append('\n').Append(function._locals);
        if (catches)
        {
            // Exceptions end at a component's border: the caller could catch them by its handlers for all.
            text.Append("    (block $done (block $thrown (try_table (catch_all $thrown)\n").Append(function._text).Append("      (br $done)))\n");
            text.Append(CultureInfo.InvariantCulture, $"      {function.TrapCall(ComponentTrapCode.UncaughtException, "an exception that the component did not catch", null)})\n");
        }
        else
        {
            text.Append(function._text);
        }

        foreach (string result in results)
            text.Append(CultureInfo.InvariantCulture, $"    (local.get {result})");
        return text.Append(")\n").ToString();
    }

    private void Body(AbiFunction type, CanonicalSignature lower, CanonicalSignature lift, string[] parameters, string[] results, int[] related, string core, string? postReturn)
    {
        string callerLeaves = MayLeave(_caller), calleeLeaves = MayLeave(_callee);
        Line($"(if (i32.eqz (global.get {callerLeaves})) (then {TrapCall(ComponentTrapCode.CannotLeave, "cannot leave component instance", null)}))");
        AdapterPlace from = AdapterPlace.InLocals(_caller, parameters, lower.Parameters);
        if (type.ParametersInMemory)
        {
            (long size, int alignment) = Lifter.TupleLayout(type.Parameters);
            CheckAlignment(parameters[0], alignment, null);
            CheckRange(_caller, parameters[0], $"(i64.const {size})", "parameters out of bounds of memory", null);
            from = AdapterPlace.InMemory(_caller, parameters[0]);
        }

        string entries = $"$entries{_callee.Instance}";
        Line($"(if (global.get {entries}) (then {TrapCall(ComponentTrapCode.CannotEnter, "", null, $"(global.get {entries})")}))");
        Count(related, "add");
        bool allocates = type.ParametersInMemory || Array.Exists(type.Parameters, static parameter => parameter.Node.HasPointers);
        if (allocates)
            Line($"(global.set {calleeLeaves} (i32.const 0))");
        string[] arguments = [.. lift.Parameters.Select(Local)];
        AdapterPlace to = AdapterPlace.InLocals(_callee, arguments, lift.Parameters);
        if (type.ParametersInMemory)
        {
            (long size, int alignment) = Lifter.TupleLayout(type.Parameters);
            Allocate(_callee, arguments[0], alignment, $"(i64.const {size})");
            to = AdapterPlace.InMemory(_callee, arguments[0]);
        }

        long bytes = 0;
        int flat = 0;
        for (int i = 0; i < type.Parameters.Length; i++)
        {
            AbiType parameter = type.Parameters[i];
            bytes = CanonicalLayout.AlignTo(bytes, parameter.Alignment);
            Copy(parameter, from.Plus(flat, bytes), to.Plus(flat, bytes), $"param \"{AdapterSite.Literal(type.Names[i])}\"");
            bytes += parameter.Size;
            flat += parameter.Node.FlatCount;
        }

        if (allocates)
            Line($"(global.set {calleeLeaves} (i32.const 1))");
        string[] returned = [.. lift.Results.Select(Local)];
        string call = $"(call {core}{Gets(arguments)})";
        Line(returned.Length == 0 ? call : $"(local.set {returned[0]} {call})");
        if (type.Result is AbiType result)
            CopyResult(type, result, parameters, results, lower, returned, lift);
        if (postReturn is not null)
        {
            Line($"(global.set {calleeLeaves} (i32.const 0))");
            Line($"(call {postReturn}{Gets(returned)})");
            Line($"(global.set {calleeLeaves} (i32.const 1))");
        }

        Count(related, "sub");
    }

    private void CopyResult(AbiFunction type, AbiType result, string[] parameters, string[] results, CanonicalSignature lower, string[] returned, CanonicalSignature lift)
    {
        AdapterPlace from = AdapterPlace.InLocals(_callee, returned, lift.Results);
        AdapterPlace to = AdapterPlace.InLocals(_caller, results, lower.Results);
        if (type.ResultInMemory)
        {
            string place = parameters[^1];
            foreach ((AdapterSide side, string pointer) in new[] { (_callee, returned[0]), (_caller, place) })
            {
                CheckAlignment(pointer, result.Alignment, null);
                CheckRange(side, pointer, $"(i64.const {result.Size})", "result out of bounds of memory", null);
            }

            from = AdapterPlace.InMemory(_callee, returned[0]);
            to = AdapterPlace.InMemory(_caller, place);
        }

        if (result.Node.HasPointers)
            Line($"(global.set {MayLeave(_caller)} (i32.const 0))");
        Copy(result, from, to, "result");
        if (result.Node.HasPointers)
            Line($"(global.set {MayLeave(_caller)} (i32.const 1))");
    }

    private void Count(int[] related, string operation)
    {
        foreach (int instance in related)
            Line($"(global.set $entries{instance} (i32.{operation} (global.get $entries{instance}) (i32.const 1)))");
    }

    private void Copy(AbiType type, AdapterPlace from, AdapterPlace to, string path)
    {
        switch (type.Kind)
        {
            case ValueTypeKind.Record or ValueTypeKind.Tuple:
                long bytes = 0;
                int flat = 0;
                for (int i = 0; i < type.Types.Length; i++)
                {
                    AbiType field = type.Types[i]!;
                    bytes = CanonicalLayout.AlignTo(bytes, field.Alignment);
                    Copy(field, from.Plus(flat, bytes), to.Plus(flat, bytes), path + (type.Kind == ValueTypeKind.Record ? "." + AdapterSite.Literal(type.Node.Names[i]) : $"[{i}]"));
                    bytes += field.Size;
                    flat += field.Node.FlatCount;
                }

                break;
            case ValueTypeKind.Variant or ValueTypeKind.Option or ValueTypeKind.Result or ValueTypeKind.Enum:
                CopyVariant(type, from, to, path);
                break;
            case ValueTypeKind.String or ValueTypeKind.List:
                CopyContent(type, from, to, path);
                break;
            default:
                Write(to, type.Size, CoreType(type), Convert(type, Read(from, type.Size, CoreType(type)), path));
                break;
        }
    }

    private void CopyVariant(AbiType type, AdapterPlace from, AdapterPlace to, string path)
    {
        string discriminant = Local(ValType.I32);
        int size = type.Node.DiscriminantSize;
        Line($"(local.set {discriminant} {Read(from, size, ValType.I32)})");
        string problem = $"invalid variant discriminant {{0}}: there are {type.Node.CaseCount} cases";
        Line($"(if (i32.ge_u (local.get {discriminant}) (i32.const {type.Node.CaseCount})) (then {TrapCall(ComponentTrapCode.InvalidDiscriminant, problem, path, Get(discriminant))}))");
        Write(to, size, ValType.I32, Get(discriminant));
        for (int i = 0; i < type.Node.CaseCount; i++)
        {
            if (type.CaseType(i) is not AbiType caseType)
                continue;
            Open($"(if (i32.eq (local.get {discriminant}) (i32.const {i})) (then");
            Copy(caseType, from.Plus(1, type.Node.Layout.PayloadOffset), to.Plus(1, type.Node.Layout.PayloadOffset), path + "." + AdapterSite.Literal(type.CaseName(i)));
            Close("))");
        }
    }

    private void CopyContent(AbiType type, AdapterPlace from, AdapterPlace to, string path)
    {
        string source = Local(ValType.I32), length = Local(ValType.I32), target = Local(ValType.I32), size = Local(ValType.I64);
        AbiType? element = type.Kind == ValueTypeKind.List ? type.Types[0] : null;
        int alignment = element?.Alignment ?? 1;
        Line($"(local.set {source} {Read(from, 4, ValType.I32)})");
        Line($"(local.set {length} {Read(from.Plus(1, 4), 4, ValType.I32)})");
        Line($"(local.set {size} (i64.mul (i64.extend_i32_u (local.get {length})) (i64.const {element?.Size ?? 1})))");
        CheckAlignment(source, alignment, path);
        CheckRange(from.Side, source, Get(size), element is null ? "string pointer/length out of bounds of memory" : "list content out-of-bounds", path);
        if (element is null)
        {
            // Longer strings than the host passes are refused here as well.
            Line($"(if (i32.lt_s (local.get {length}) (i32.const 0)) (then {TrapCall(ComponentTrapCode.LimitReached, "string content out-of-bounds: a string takes {0} bytes, and 2147483647 are the most", path, Get(length))}))");
            CheckUtf8(from.Side, source, length, path);
        }

        Allocate(to.Side, target, alignment, Get(size));
        Write(to, 4, ValType.I32, Get(target));
        Write(to.Plus(1, 4), 4, ValType.I32, Get(length));
        if (element is null || IsPlain(element))
        {
            Line($"(memory.copy {to.Side.Memory} {from.Side.Memory} (local.get {target}) (local.get {source}) (i32.wrap_i64 (local.get {size})))");
            return;
        }

        string? outer = _index;
        string at = Local(ValType.I32);
        string moving = Local(ValType.I32), placing = Local(ValType.I32);
        _index = at;
        Line($"(local.set {at} (i32.const 0))");
        Line($"(local.set {moving} (local.get {source}))");
        Line($"(local.set {placing} (local.get {target}))");
        string label = $"{_count++}";
        Open($"(block $end{label} (loop $next{label}");
        Line($"(br_if $end{label} (i32.eq (local.get {at}) (local.get {length})))");
        Copy(element, AdapterPlace.InMemory(from.Side, moving), AdapterPlace.InMemory(to.Side, placing), path.Replace("[{0}]", "[...]", StringComparison.Ordinal) + "[{0}]");
        foreach (string pointer in new[] { moving, placing })
            Line($"(local.set {pointer} (i32.add (local.get {pointer}) (i32.const {element.Size})))");
        Line($"(local.set {at} (i32.add (local.get {at}) (i32.const 1)))");
        Line($"(br $next{label})");
        Close("))");
        _index = outer;
    }

    // Elements whose bytes are the same on both sides, whatever they are.
    private static bool IsPlain(AbiType type) => type.Kind is ValueTypeKind.U8 or ValueTypeKind.S8 or ValueTypeKind.U16 or ValueTypeKind.S16 or ValueTypeKind.U32 or ValueTypeKind.S32
        or ValueTypeKind.U64 or ValueTypeKind.S64 || (type.Kind is ValueTypeKind.Record or ValueTypeKind.Tuple && Array.TrueForAll(type.Types, static part => IsPlain(part!)) && !HasPadding(type));

    // Padding is not copied: what is in it is nobody's value.
    private static bool HasPadding(AbiType type) => type.Types.Sum(static part => (long)part!.Size) != type.Size;

    private void CheckUtf8(AdapterSide side, string pointer, string length, string path)
    {
        string bad = Local(ValType.I32);
        Line($"(local.set {bad} (call $utf8-{side.Memory![1..]} (local.get {pointer}) (local.get {length})))");
        Open($"(if (i32.ne (local.get {bad}) (i32.const -1)) (then");
        string index = $"(i32.and (local.get {bad}) (i32.const 0x7fffffff))";
        Line($"(if (i32.lt_s (local.get {bad}) (i32.const 0)) (then {TrapCall(ComponentTrapCode.InvalidString, "incomplete utf-8 byte sequence from index {0}", path, index)}))");
        Line(TrapCall(ComponentTrapCode.InvalidString, "invalid utf-8 sequence from index {0}", path, index));
        Close("))");
    }

    private void Allocate(AdapterSide side, string target, int alignment, string size)
    {
        Line($"(if (i64.gt_u {size} (i64.const 0xffffffff)) (then {TrapCall(ComponentTrapCode.LimitReached, "a list takes more bytes than any memory has", null)}))");
        Line($"(local.set {target} (call {side.Realloc} (i32.const 0) (i32.const 0) (i32.const {alignment}) (i32.wrap_i64 {size})))");
        CheckAlignment(target, alignment, null, "realloc return: result not aligned");
        CheckRange(side, target, size, "realloc return: beyond end of memory", null);
    }

    private void CheckAlignment(string pointer, int alignment, string? path, string problem = "unaligned pointer")
    {
        if (alignment > 1)
            Line($"(if (i32.and (local.get {pointer}) (i32.const {alignment - 1})) (then {TrapCall(ComponentTrapCode.UnalignedPointer, problem, path)}))");
    }

    private void CheckRange(AdapterSide side, string pointer, string size, string problem, string? path)
    {
        string end = $"(i64.add (i64.extend_i32_u (local.get {pointer})) {size})";
        string bound = $"(i64.shl (i64.extend_i32_u (memory.size {side.Memory})) (i64.const 16))";
        Line($"(if (i64.gt_u {end} {bound}) (then {TrapCall(ComponentTrapCode.OutOfBounds, problem, path)}))");
    }

    private string Convert(AbiType type, string value, string path)
    {
        switch (type.Kind)
        {
            case ValueTypeKind.Bool:
                return $"(i32.ne {value} (i32.const 0))";
            case ValueTypeKind.S8:
                return $"(i32.shr_s (i32.shl {value} (i32.const 24)) (i32.const 24))";
            case ValueTypeKind.U8:
                return $"(i32.and {value} (i32.const 0xff))";
            case ValueTypeKind.S16:
                return $"(i32.shr_s (i32.shl {value} (i32.const 16)) (i32.const 16))";
            case ValueTypeKind.U16:
                return $"(i32.and {value} (i32.const 0xffff))";
            case ValueTypeKind.F32 or ValueTypeKind.F64:
                ValType core = CoreType(type);
                string number = Local(core);
                Line($"(local.set {number} {value})");
                return $"(select (local.get {number}) ({core}.const nan) ({core}.eq (local.get {number}) (local.get {number})))";
            case ValueTypeKind.Char:
                string scalar = Local(ValType.I32);
                Line($"(local.set {scalar} {value})");
                string surrogate = $"(i32.lt_u (i32.sub (local.get {scalar}) (i32.const 0xd800)) (i32.const 0x800))";
                string beyond = $"(i32.ge_u (local.get {scalar}) (i32.const 0x110000))";
                Line($"(if (i32.or {beyond} {surrogate}) (then {TrapCall(ComponentTrapCode.InvalidCharacter, "invalid `char` bit pattern 0x{0:x}", path, Get(scalar))}))");
                return Get(scalar);
            case ValueTypeKind.Flags when type.Node.Names.Length < 32:
                return $"(i32.and {value} (i32.const {(1u << type.Node.Names.Length) - 1}))";
            default:
                return value;
        }
    }

    private static ValType CoreType(AbiType type) => type.Kind switch
    {
        ValueTypeKind.S64 or ValueTypeKind.U64 => ValType.I64,
        ValueTypeKind.F32 => ValType.F32,
        ValueTypeKind.F64 => ValType.F64,
        _ => ValType.I32,
    };

    private static string Read(AdapterPlace place, int size, ValType type)
    {
        if (place.IsMemory)
            return $"({type}.load{Width(size, type, "_u")} {place.Side.Memory} offset={place.Position} (local.get {place.Address}))";
        string value = Get(place.Local);
        ValType from = place.LocalType;
        if (from == type)
            return value;
        if (from == ValType.I64 && type != ValType.F64)
            value = $"(i32.wrap_i64 {value})";
        return type == ValType.F32 ? $"(f32.reinterpret_i32 {value})" : type == ValType.F64 ? $"(f64.reinterpret_i64 {value})" : value;
    }

    private void Write(AdapterPlace place, int size, ValType type, string value)
    {
        if (place.IsMemory)
        {
            Line($"({type}.store{Width(size, type, "")} {place.Side.Memory} offset={place.Position} (local.get {place.Address}) {value})");
            return;
        }

        ValType to = place.LocalType;
        if (to != type)
        {
            if (type == ValType.F32)
                value = $"(i32.reinterpret_f32 {value})";
            if (type == ValType.F64)
                value = $"(i64.reinterpret_f64 {value})";
            else if (to == ValType.I64)
                value = $"(i64.extend_i32_u {value})";
        }

        Line($"(local.set {place.Local} {value})");
    }

    private static string Width(int size, ValType type, string sign) => type == ValType.I32 && size < 4 ? $"{size * 8}{sign}" : "";

    private string TrapCall(ComponentTrapCode code, string problem, string? path, string value = "(i32.const 0)")
    {
        _sites.Add(new AdapterSite(code, problem, path));
        return $"(call $trap (i32.const {_sites.Count - 1}) {value} {(_index is null ? "(i32.const 0)" : Get(_index))}) (unreachable)";
    }

    private string Local(ValType type)
    {
        string name = $"$l{_count++}";
        _locals.Append(CultureInfo.InvariantCulture, $"    (local {name} {type})\n");
        return name;
    }

    private static string MayLeave(AdapterSide side) => $"$leave{side.Instance}";

    private static string Get(string local) => $"(local.get {local})";

    private static string Gets(string[] locals) => string.Concat(locals.Select(static local => $" (local.get {local})"));

    private void Open(string line)
    {
        Line(line);
        _indent += "  ";
    }

    private void Close(string line)
    {
        _indent = _indent[2..];
        Line(line);
    }

    private void Line(string line) => _text.Append(_indent).Append(line).Append('\n');
}
