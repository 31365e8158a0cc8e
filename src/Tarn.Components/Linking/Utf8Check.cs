// The function of an adapter that checks UTF-8 in a memory: eight bytes at once while they are ASCII, and otherwise by the table of well-formed sequences (Unicode 3.9, table 3-7).
namespace Tarn.Components.Linking;

internal static class Utf8Check
{
    /// <summary>
    /// Writes the function <c>$utf8-NAME</c>, which takes a range that is in bounds. It returns -1, or the offset of the first sequence that is not well-formed, with the highest bit set where the
    /// end cuts it off.
    /// </summary>
    /// <param name="memory">The memory's name.</param>
    public static string Write(string memory) => $$"""
          (func $utf8-{{memory[1..]}} (param $start i32) (param $length i32) (result i32)
            (local $at i32) (local $byte i32) (local $more i32) (local $low i32) (local $high i32) (local $next i32)
            (loop $again
              (block $slow
                (br_if $slow (i32.lt_u (i32.sub (local.get $length) (local.get $at)) (i32.const 8)))
                (br_if $slow (i64.ne (i64.and (i64.load {{memory}} align=1 (i32.add (local.get $start) (local.get $at))) (i64.const 0x8080808080808080)) (i64.const 0)))
                (local.set $at (i32.add (local.get $at) (i32.const 8)))
                (br $again))
              (if (i32.eq (local.get $at) (local.get $length)) (then (return (i32.const -1))))
              (local.set $byte (i32.load8_u {{memory}} (i32.add (local.get $start) (local.get $at))))
              (local.set $next (i32.add (local.get $at) (i32.const 1)))
              (if (i32.lt_u (local.get $byte) (i32.const 0x80)) (then (local.set $at (local.get $next)) (br $again)))
              (if (i32.gt_u (i32.sub (local.get $byte) (i32.const 0xc2)) (i32.const 0x32)) (then (return (local.get $at))))
              (local.set $more (i32.add (i32.add (i32.const 1) (i32.ge_u (local.get $byte) (i32.const 0xe0))) (i32.ge_u (local.get $byte) (i32.const 0xf0))))
              (local.set $low (i32.const 0x80))
              (local.set $high (i32.const 0xbf))
              (if (i32.eq (local.get $byte) (i32.const 0xe0)) (then (local.set $low (i32.const 0xa0))))
              (if (i32.eq (local.get $byte) (i32.const 0xed)) (then (local.set $high (i32.const 0x9f))))
              (if (i32.eq (local.get $byte) (i32.const 0xf0)) (then (local.set $low (i32.const 0x90))))
              (if (i32.eq (local.get $byte) (i32.const 0xf4)) (then (local.set $high (i32.const 0x8f))))
              (loop $continuation
                (if (i32.eq (local.get $next) (local.get $length)) (then (return (i32.or (local.get $at) (i32.const 0x80000000)))))
                (local.set $byte (i32.load8_u {{memory}} (i32.add (local.get $start) (local.get $next))))
                (if (i32.or (i32.lt_u (local.get $byte) (local.get $low)) (i32.gt_u (local.get $byte) (local.get $high))) (then (return (local.get $at))))
                (local.set $low (i32.const 0x80))
                (local.set $high (i32.const 0xbf))
                (local.set $next (i32.add (local.get $next) (i32.const 1)))
                (local.set $more (i32.sub (local.get $more) (i32.const 1)))
                (br_if $continuation (local.get $more)))
              (local.set $at (local.get $next))
              (br $again))
            (unreachable))

        """;
}
