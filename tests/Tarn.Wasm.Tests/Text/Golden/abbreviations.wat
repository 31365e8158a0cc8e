;; (func (param i32 i32) (param $x f32) (result i64 i64) (local i32) (local $y v128) unreachable)
(module
  (type (;0;) (func (param i32 i32 f32) (result i64 i64)))
  (func (;0;) (type 0) (param i32 i32) (param $x f32) (result i64 i64)
    (local i32) (local $y v128)
    unreachable))
;; folded
(module
  (type (func (param i32 i32 f32) (result i64 i64)))
  (func (type 0) (param i32 i32) (param $x f32) (result i64 i64)
    (local i32) (local $y v128)
    (unreachable)))

;; (func $f (export "a") (export "b") (import "m" "n") (param i32))
(module
  (type (;0;) (func (param i32)))
  (import "m" "n" (func $f (;0;) (type 0) (param i32)))
  (export "a" (func $f))
  (export "b" (func $f)))
;; folded
(module
  (type (func (param i32)))
  (import "m" "n" (func $f (type 0) (param i32)))
  (export "a" (func $f))
  (export "b" (func $f)))

;; (memory (import "m" "mem") 1) (global $g (export "g") (import "m" "g") (mut i32)) (table $t (export "t") 1 10 funcref) (tag (export "e") (param i32))
(module
  (type (;0;) (func (param i32)))
  (import "m" "mem" (memory (;0;) 1))
  (import "m" "g" (global $g (;0;) (mut i32)))
  (table $t (;0;) 1 10 funcref)
  (tag (;0;) (type 0) (param i32))
  (export "g" (global $g))
  (export "t" (table $t))
  (export "e" (tag 0)))
;; folded
(module
  (type (func (param i32)))
  (import "m" "mem" (memory 1))
  (import "m" "g" (global $g (mut i32)))
  (table $t 1 10 funcref)
  (tag (type 0) (param i32))
  (export "g" (global $g))
  (export "t" (table $t))
  (export "e" (tag 0)))

;; (table funcref (elem $f $f)) (table i64 anyref (elem (ref.null any) (ref.i31 (i32.const 1)))) (func $f)
(module
  (type (;0;) (func))
  (table (;0;) 2 2 funcref)
  (table (;1;) i64 2 2 anyref)
  (elem (;0;) (i32.const 0) func $f $f)
  (elem (;1;) (table 1) (i64.const 0) anyref (ref.null any) (item i32.const 1 ref.i31))
  (func $f (;0;) (type 0)))
;; folded
(module
  (type (func))
  (table 2 2 funcref)
  (table i64 2 2 anyref)
  (elem (i32.const 0) func $f $f)
  (elem (table 1) (i64.const 0) anyref (ref.null any) (item i32.const 1 ref.i31))
  (func $f (type 0)))

;; (memory (data "ab" "\00c")) (memory i64 (data)) (memory (pagesize 1) (data "xyz"))
(module
  (memory (;0;) 1 1)
  (memory (;1;) i64 0 0)
  (memory (;2;) 3 3 (pagesize 1))
  (data (;0;) (i32.const 0) "ab\00c")
  (data (;1;) (memory 1) (i64.const 0) "")
  (data (;2;) (memory 2) (i32.const 0) "xyz"))
;; folded
(module
  (memory 1 1)
  (memory i64 0 0)
  (memory 3 3 (pagesize 1))
  (data (i32.const 0) "ab\00c")
  (data (memory 1) (i64.const 0) "")
  (data (memory 2) (i32.const 0) "xyz"))

;; (table $t 1 funcref) (elem (i32.const 0) $f) (elem $e (table $t) (offset (i32.const 0)) func $f) (elem func $f) (elem declare func $f) (elem funcref (item ref.func $f) (ref.null func)) (func $f)
(module
  (type (;0;) (func))
  (table $t (;0;) 1 funcref)
  (elem (;0;) (i32.const 0) func $f)
  (elem $e (;1;) (i32.const 0) func $f)
  (elem (;2;) func $f)
  (elem (;3;) declare func $f)
  (elem (;4;) funcref (ref.func $f) (ref.null func))
  (func $f (;0;) (type 0)))
;; folded
(module
  (type (func))
  (table $t 1 funcref)
  (elem (i32.const 0) func $f)
  (elem $e (i32.const 0) func $f)
  (elem func $f)
  (elem declare func $f)
  (elem funcref (ref.func $f) (ref.null func))
  (func $f (type 0)))

;; (memory 1) (data (i32.const 0) "a") (data $p "b") (data (memory 0) (offset (i32.const 1)) "c") (func (memory.init $p (i32.const 0) (i32.const 0) (i32.const 0)))
(module
  (type (;0;) (func))
  (memory (;0;) 1)
  (func (;0;) (type 0)
    i32.const 0
    i32.const 0
    i32.const 0
    memory.init $p)
  (data (;0;) (i32.const 0) "a")
  (data $p (;1;) "b")
  (data (;2;) (i32.const 1) "c"))
;; folded
(module
  (type (func))
  (memory 1)
  (func (type 0)
    (memory.init $p (i32.const 0) (i32.const 0) (i32.const 0)))
  (data (i32.const 0) "a")
  (data $p "b")
  (data (i32.const 1) "c"))

;; (func (type $later)) (func (result i32) i32.const 0) (type $later (func)) (func (result i32) i32.const 1) (func (param f64))
(module
  (type $later (;0;) (func))
  (type (;1;) (func (result i32)))
  (type (;2;) (func (param f64)))
  (func (;0;) (type $later))
  (func (;1;) (type 1) (result i32)
    i32.const 0)
  (func (;2;) (type 1) (result i32)
    i32.const 1)
  (func (;3;) (type 2) (param f64)))
;; folded
(module
  (type $later (func))
  (type (func (result i32)))
  (type (func (param f64)))
  (func (type $later))
  (func (type 1) (result i32)
    (i32.const 0))
  (func (type 1) (result i32)
    (i32.const 1))
  (func (type 2) (param f64)))

;; (rec (type $list (sub (struct (field $head i32) (field $tail (ref null $list))))) (type (sub final $list (struct (field i32) (field (ref null $list)) (field i8 (mut i16)))))) (func (param (ref $list)) (result i32) (struct.get $list $head (local.get 0)))
(module
  (rec
    (type $list (;0;) (sub (struct (field $head i32) (field $tail (ref null $list)))))
    (type (;1;) (sub final $list (struct (field i32) (field (ref null $list)) (field i8) (field (mut i16))))))
  (type (;2;) (func (param (ref $list)) (result i32)))
  (func (;0;) (type 2) (param (ref $list)) (result i32)
    local.get 0
    struct.get $list $head))
;; folded
(module
  (rec
    (type $list (sub (struct (field $head i32) (field $tail (ref null $list)))))
    (type (sub final $list (struct (field i32) (field (ref null $list)) (field i8) (field (mut i16))))))
  (type (func (param (ref $list)) (result i32)))
  (func (type 2) (param (ref $list)) (result i32)
    (struct.get $list $head (local.get 0))))

;; (func (param i32) (result i32) (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 2))))
(module
  (type (;0;) (func (param i32) (result i32)))
  (func (;0;) (type 0) (param i32) (result i32)
    local.get 0
    if (result i32)
      i32.const 1
    else
      i32.const 2
    end))
;; folded
(module
  (type (func (param i32) (result i32)))
  (func (type 0) (param i32) (result i32)
    (if (result i32)
      (local.get 0)
      (then
        (i32.const 1))
      (else
        (i32.const 2)))))

;; (func (block $a (loop $b (br $a) (br $b) (br_if 0 (i32.const 1)) (br_table $a $b 0 (i32.const 2)))))
(module
  (type (;0;) (func))
  (func (;0;) (type 0)
    block $a
      loop $b
        br $a
        br $b
        i32.const 1
        br_if $b
        i32.const 2
        br_table $a $b $b
      end
    end))
;; folded
(module
  (type (func))
  (func (type 0)
    (block $a
      (loop $b
        (br $a)
        (br $b)
        (br_if $b (i32.const 1))
        (br_table $a $b $b (i32.const 2))))))

;; (func block (result i32 i64) i32.const 1 i64.const 2 end drop drop)
(module
  (type (;0;) (func))
  (type (;1;) (func (result i32 i64)))
  (func (;0;) (type 0)
    block (type 1) (result i32 i64)
      i32.const 1
      i64.const 2
    end
    drop
    drop))
;; folded
(module
  (type (func))
  (type (func (result i32 i64)))
  (func (type 0)
    (block (type 1) (result i32 i64)
      (i32.const 1)
      (i64.const 2))
    (drop)
    (drop)))

;; (table 1 funcref) (func (call_indirect (param i32) (result i32) (i32.const 1) (i32.const 0)) drop)
(module
  (type (;0;) (func))
  (type (;1;) (func (param i32) (result i32)))
  (table (;0;) 1 funcref)
  (func (;0;) (type 0)
    i32.const 1
    i32.const 0
    call_indirect (type 1) (param i32) (result i32)
    drop))
;; folded
(module
  (type (func))
  (type (func (param i32) (result i32)))
  (table 1 funcref)
  (func (type 0)
    (drop (call_indirect (type 1) (param i32) (result i32) (i32.const 1) (i32.const 0)))))

;; (tag $e (param i32)) (func (block $h (result i32) (try_table (catch $e $h) (catch_all 0) (throw $e (i32.const 1))) (i32.const 0)) drop)
(module
  (type (;0;) (func (param i32)))
  (type (;1;) (func))
  (tag $e (;0;) (type 0) (param i32))
  (func (;0;) (type 1)
    block $h (result i32)
      try_table (catch $e $h) (catch_all $h)
        i32.const 1
        throw $e
      end
      i32.const 0
    end
    drop))
;; folded
(module
  (type (func (param i32)))
  (type (func))
  (tag $e (type 0) (param i32))
  (func (type 1)
    (drop
      (block $h (result i32)
        (try_table (catch $e $h) (catch_all $h)
          (throw $e (i32.const 1)))
        (i32.const 0)))))

;; (memory 1) (memory $m 1) (func (drop (i32.load offset=4 align=1 (i32.const 0))) (i32.store8 $m (i32.const 0) (i32.const 1)) (memory.copy $m 0 (i32.const 0) (i32.const 0) (i32.const 0)))
(module
  (type (;0;) (func))
  (memory (;0;) 1)
  (memory $m (;1;) 1)
  (func (;0;) (type 0)
    i32.const 0
    i32.load offset=4 align=1
    drop
    i32.const 0
    i32.const 1
    i32.store8 $m
    i32.const 0
    i32.const 0
    i32.const 0
    memory.copy $m 0))
;; folded
(module
  (type (func))
  (memory 1)
  (memory $m 1)
  (func (type 0)
    (drop (i32.load offset=4 align=1 (i32.const 0)))
    (i32.store8 $m (i32.const 0) (i32.const 1))
    (memory.copy $m 0 (i32.const 0) (i32.const 0) (i32.const 0))))

;; (memory 1) (func (drop (v128.load8_lane 3 (i32.const 0) (v128.const f32x4 1 -0 nan inf))) (drop (v128.load16_lane 0 align=1 2 (i32.const 0) (v128.const i64x2 -1 1))))
(module
  (type (;0;) (func))
  (memory (;0;) 1)
  (func (;0;) (type 0)
    i32.const 0
    v128.const i32x4 0x3f800000 0x80000000 0x7fc00000 0x7f800000
    v128.load8_lane 3
    drop
    i32.const 0
    v128.const i32x4 0xffffffff 0xffffffff 0x00000001 0x00000000
    v128.load16_lane align=1 2
    drop))
;; folded
(module
  (type (func))
  (memory 1)
  (func (type 0)
    (drop
      (v128.load8_lane 3 (i32.const 0) (v128.const i32x4 0x3f800000 0x80000000 0x7fc00000 0x7f800000)))
    (drop
      (v128.load16_lane align=1 2
        (i32.const 0)
        (v128.const i32x4 0xffffffff 0xffffffff 0x00000001 0x00000000)))))

;; (func (param anyref) (block (result (ref i31)) (br_on_cast 0 anyref (ref i31) (local.get 0)) (drop) (unreachable)) (drop) (drop (ref.test i31ref (local.get 0))) (drop (ref.cast (ref eq) (local.get 0))))
(module
  (type (;0;) (func (param anyref)))
  (func (;0;) (type 0) (param anyref)
    block (result (ref i31))
      local.get 0
      br_on_cast 0 anyref (ref i31)
      drop
      unreachable
    end
    drop
    local.get 0
    ref.test i31ref
    drop
    local.get 0
    ref.cast (ref eq)
    drop))
;; folded
(module
  (type (func (param anyref)))
  (func (type 0) (param anyref)
    (drop
      (block (result (ref i31))
        (drop (br_on_cast 0 anyref (ref i31) (local.get 0)))
        (unreachable)))
    (drop (ref.test i31ref (local.get 0)))
    (drop (ref.cast (ref eq) (local.get 0)))))

;; (func (drop (select (result funcref) (ref.null func) (ref.null nofunc) (i32.const 1))) (drop (select (i32.const 1) (i32.const 2) (i32.const 0))))
(module
  (type (;0;) (func))
  (func (;0;) (type 0)
    ref.null func
    ref.null nofunc
    i32.const 1
    select (result funcref)
    drop
    i32.const 1
    i32.const 2
    i32.const 0
    select
    drop))
;; folded
(module
  (type (func))
  (func (type 0)
    (drop (select (result funcref) (ref.null func) (ref.null nofunc) (i32.const 1)))
    (drop (select (i32.const 1) (i32.const 2) (i32.const 0)))))

