;; A product of matrices as arrays of arrays of doubles: bounds checks, and elements that are numbers.
(module
  (type $row (array (mut f64)))
  (type $matrix (array (mut (ref $row))))
  (func $make (param $n i32) (param $seed f64) (result (ref $matrix)) (local $m (ref $matrix)) (local $i i32) (local $j i32) (local $r (ref $row))
    (local.set $m (array.new $matrix (array.new_default $row (i32.const 0)) (local.get $n)))
    (loop $rows
      (local.set $r (array.new_default $row (local.get $n)))
      (local.set $j (i32.const 0))
      (loop $columns
        (local.set $seed (f64.sub (f64.mul (local.get $seed) (f64.const 3.7)) (f64.floor (f64.mul (local.get $seed) (f64.const 3.7)))))
        (array.set $row (local.get $r) (local.get $j) (local.get $seed))
        (br_if $columns (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (local.get $n))))
      (array.set $matrix (local.get $m) (local.get $i) (local.get $r))
      (br_if $rows (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (local.get $m))
  (func $multiply (param $a (ref $matrix)) (param $b (ref $matrix)) (param $c (ref $matrix)) (param $n i32) (local $i i32) (local $j i32) (local $k i32) (local $x f64) (local $from (ref $row)) (local $to (ref $row)) (local $left (ref $row))
    (loop $is
      (local.set $to (array.get $matrix (local.get $c) (local.get $i)))
      (local.set $left (array.get $matrix (local.get $a) (local.get $i)))
      (local.set $k (i32.const 0))
      (loop $ks
        (local.set $x (array.get $row (local.get $left) (local.get $k)))
        (local.set $from (array.get $matrix (local.get $b) (local.get $k)))
        (local.set $j (i32.const 0))
        (loop $js
          (array.set $row (local.get $to) (local.get $j) (f64.add (array.get $row (local.get $to) (local.get $j)) (f64.mul (local.get $x) (array.get $row (local.get $from) (local.get $j)))))
          (br_if $js (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (local.get $n))))
        (br_if $ks (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 1))) (local.get $n))))
      (br_if $is (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n)))))
  (func (export "run") (param $n i32) (result i64) (local $a (ref $matrix)) (local $b (ref $matrix)) (local $c (ref $matrix))
    (local.set $a (call $make (i32.const 100) (f64.const 0.31)))
    (local.set $b (call $make (i32.const 100) (f64.const 0.77)))
    (local.set $c (call $make (i32.const 100) (f64.const 0.11)))
    (loop $again
      (call $multiply (local.get $a) (local.get $b) (local.get $c) (i32.const 100))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i64.reinterpret_f64 (array.get $row (array.get $matrix (local.get $c) (i32.const 17)) (i32.const 29)))))
