;; Lanes that one number from outside is added to: one addition and one copy of the number, which leaves the loop. Not for two lanes, for a number of the loop's own, or for a lane that is wanted as it is.
(module
  (memory 1)
  (func (param $p i32) (param $n i32) (result i32) (local $v v128) (local $s i32)
    (loop $l
      (local.set $v (i32x4.add (local.get $v) (v128.const i32x4 4 4 4 4)))
      (local.set $s (i32.add (local.get $s) (i32.load8_u (i32.add (i32x4.extract_lane 0 (local.get $v)) (local.get $p)))))
      (local.set $s (i32.add (local.get $s) (i32.load8_u (i32.add (local.get $p) (i32x4.extract_lane 1 (local.get $v))))))
      (local.set $s (i32.add (local.get $s) (i32.load8_u (i32.add (i32x4.extract_lane 3 (local.get $v)) (local.get $p)))))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $s))
  (func (param $p i32) (param $n i32) (result i32) (local $v v128) (local $s i32)
    (loop $l
      (local.set $v (i32x4.add (local.get $v) (v128.const i32x4 4 4 4 4)))
      (local.set $s (i32.add (local.get $s) (i32.load8_u (i32.add (i32x4.extract_lane 0 (local.get $v)) (local.get $p)))))
      (local.set $s (i32.add (local.get $s) (i32.load8_u (i32.add (i32x4.extract_lane 1 (local.get $v)) (local.get $p)))))
      (local.set $p (i32.add (i32x4.extract_lane 2 (local.get $v)) (local.get $s)))
      (local.set $p (i32.add (local.get $p) (i32x4.extract_lane 2 (local.get $v))))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $s))
  ;; A sum that a loop carries is computed after the chain that the next round waits for; where nothing else uses what is added, it stays, so that no register is held for longer.
  (func (param $x v128) (param $n i32) (result v128) (local $count v128) (local $m v128)
    (loop $l
      (local.set $m (f64x2.le (local.get $x) (v128.const f64x2 4 4)))
      (if (v128.any_true (local.get $m)) (then
        (local.set $count (i64x2.sub (local.get $count) (local.get $m)))
        (local.set $x (f64x2.add (f64x2.mul (local.get $x) (local.get $x)) (local.get $x)))
        (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
    (local.get $count))
  (func (param $x v128) (param $n i32) (result v128) (local $sum v128)
    (loop $l
      (local.set $sum (f64x2.add (local.get $sum) (f64x2.mul (local.get $x) (local.get $x))))
      (local.set $x (f64x2.div (local.get $x) (v128.const f64x2 3 3)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))
