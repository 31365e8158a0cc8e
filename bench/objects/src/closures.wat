;; Closures that are made, composed and called through their code's reference.
(module
  (rec
    (type $code (func (param (ref $closure)) (param i64) (result i64)))
    (type $closure (sub (struct (field $code (ref $code))))))
  (type $adder (sub final $closure (struct (field $code (ref $code)) (field $k i64))))
  (type $pair (sub final $closure (struct (field $code (ref $code)) (field $f (ref $closure)) (field $g (ref $closure)))))
  (elem declare func $add $mul $compose)
  (func $add (type $code) (i64.add (local.get 1) (struct.get $adder $k (ref.cast (ref $adder) (local.get 0)))))
  (func $mul (type $code) (i64.mul (local.get 1) (struct.get $adder $k (ref.cast (ref $adder) (local.get 0)))))
  (func $compose (type $code) (local $p (ref $pair))
    (local.set $p (ref.cast (ref $pair) (local.get 0)))
    (call $apply (struct.get $pair $g (local.get $p)) (call $apply (struct.get $pair $f (local.get $p)) (local.get 1))))
  (func $apply (param $f (ref $closure)) (param $x i64) (result i64)
    (call_ref $code (local.get $f) (local.get $x) (struct.get $closure $code (local.get $f))))
  (func (export "run") (param $n i32) (result i64) (local $f (ref $closure)) (local $k i32) (local $x i64)
    (loop $again
      (local.set $f (struct.new $adder (ref.func $add) (i64.const 1)))
      (local.set $k (i32.const 20))
      (loop $l
        (local.set $f (struct.new $pair (ref.func $compose) (local.get $f)
          (struct.new $adder (if (result (ref $code)) (i32.and (local.get $k) (i32.const 1)) (then (ref.func $add)) (else (ref.func $mul))) (i64.extend_i32_u (local.get $k)))))
        (br_if $l (local.tee $k (i32.sub (local.get $k) (i32.const 1)))))
      (local.set $k (i32.const 20))
      (loop $l
        (local.set $x (call $apply (local.get $f) (local.get $x)))
        (br_if $l (local.tee $k (i32.sub (local.get $k) (i32.const 1)))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $x)))
