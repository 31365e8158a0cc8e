;; guarded: base + index + offset in one operand, read-modify-write, loads as operands of arithmetic and comparisons
(module
  (memory 1)
  (func (param $p i32) (param $x i32) (result i32)
    (i32.store offset=16 (local.get $p) (i32.add (i32.load offset=16 (local.get $p)) (local.get $x)))
    (i32.add (local.get $x) (i32.load offset=8 (local.get $p))))
  (func (param $p i32) (result i32)
    (if (result i32) (i32.eqz (i32.load8_u (local.get $p))) (then (i32.const 1)) (else (i32.const 2))))
  (func (param $p i32) (param $i i32) (result f64)
    (f64.mul (f64.load (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 3)))) (f64.load offset=8 (local.get $p)))))
