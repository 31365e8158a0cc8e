;; loops with values carried round, tables of branches, conditions of floats, select
(module
  (func $gcd (param $a i32) (param $b i32) (result i32)
    (local $t i32)
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get $b)))
        (local.set $t (i32.rem_u (local.get $a) (local.get $b)))
        (local.set $a (local.get $b))
        (local.set $b (local.get $t))
        (br $again)))
    (local.get $a))
  (func (param $n i32) (result i32)
    (block $c (block $b (block $a
      (br_table $a $b $a $c (local.get $n)))
      (return (i32.const 10)))
      (return (i32.const 20)))
    (i32.const 30))
  (func (param $x f64) (param $y f64) (result i32) (f64.lt (local.get $x) (local.get $y)))
  (func (param $x f64) (param $y f64) (result i32) (f64.eq (local.get $x) (local.get $y)))
  (func (param $x i64) (param $y i64) (result i64) (select (local.get $x) (local.get $y) (i64.lt_s (local.get $x) (local.get $y)))))
