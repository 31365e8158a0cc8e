;; A hash map with chains that grows: arrays of references, look-ups, insertions.
(module
  (type $entry (struct (field $key i64) (field $value (mut i64)) (field $next (mut (ref null $entry)))))
  (type $table (array (mut (ref null $entry))))
  (type $map (struct (field $table (mut (ref $table))) (field $count (mut i32))))
  (func $slot (param $t (ref $table)) (param $key i64) (result i32)
    (i32.and
      (i32.wrap_i64 (i64.shr_u (i64.mul (local.get $key) (i64.const 0x9e3779b97f4a7c15)) (i64.const 32)))
      (i32.sub (array.len (local.get $t)) (i32.const 1))))
  (func $find (param $m (ref $map)) (param $key i64) (result (ref null $entry)) (local $e (ref null $entry)) (local $t (ref $table))
    (local.set $t (struct.get $map $table (local.get $m)))
    (local.set $e (array.get $table (local.get $t) (call $slot (local.get $t) (local.get $key))))
    (block $done
      (loop $l
        (br_if $done (ref.is_null (local.get $e)))
        (br_if $done (i64.eq (struct.get $entry $key (local.get $e)) (local.get $key)))
        (local.set $e (struct.get $entry $next (local.get $e)))
        (br $l)))
    (local.get $e))
  (func $grow (param $m (ref $map)) (local $old (ref $table)) (local $new (ref $table)) (local $i i32) (local $e (ref null $entry)) (local $next (ref null $entry)) (local $s i32)
    (local.set $old (struct.get $map $table (local.get $m)))
    (local.set $new (array.new_default $table (i32.shl (array.len (local.get $old)) (i32.const 1))))
    (loop $l
      (local.set $e (array.get $table (local.get $old) (local.get $i)))
      (block $end
        (loop $chain
          (br_if $end (ref.is_null (local.get $e)))
          (local.set $next (struct.get $entry $next (local.get $e)))
          (local.set $s (call $slot (local.get $new) (struct.get $entry $key (local.get $e))))
          (struct.set $entry $next (local.get $e) (array.get $table (local.get $new) (local.get $s)))
          (array.set $table (local.get $new) (local.get $s) (local.get $e))
          (local.set $e (local.get $next))
          (br $chain)))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (array.len (local.get $old)))))
    (struct.set $map $table (local.get $m) (local.get $new)))
  (func $add (param $m (ref $map)) (param $key i64) (param $value i64) (local $e (ref null $entry)) (local $s i32) (local $t (ref $table))
    (local.set $e (call $find (local.get $m) (local.get $key)))
    (if (i32.eqz (ref.is_null (local.get $e)))
      (then (struct.set $entry $value (local.get $e) (i64.add (struct.get $entry $value (local.get $e)) (local.get $value))) (return)))
    (if (i32.ge_u (struct.get $map $count (local.get $m)) (array.len (struct.get $map $table (local.get $m)))) (then (call $grow (local.get $m))))
    (local.set $t (struct.get $map $table (local.get $m)))
    (local.set $s (call $slot (local.get $t) (local.get $key)))
    (array.set $table (local.get $t) (local.get $s) (struct.new $entry (local.get $key) (local.get $value) (array.get $table (local.get $t) (local.get $s))))
    (struct.set $map $count (local.get $m) (i32.add (struct.get $map $count (local.get $m)) (i32.const 1))))
  (func (export "run") (param $n i32) (result i64) (local $m (ref $map)) (local $i i64) (local $sum i64) (local $e (ref null $entry))
    (loop $again
      (local.set $m (struct.new $map (array.new_default $table (i32.const 16)) (i32.const 0)))
      (local.set $i (i64.const 0))
      (loop $l
        (call $add (local.get $m) (i64.rem_u (i64.mul (local.get $i) (i64.const 7919)) (i64.const 3001)) (local.get $i))
        (br_if $l (i64.lt_u (local.tee $i (i64.add (local.get $i) (i64.const 1))) (i64.const 10000))))
      (local.set $i (i64.const 0))
      (loop $l
        (local.set $e (call $find (local.get $m) (local.get $i)))
        (if (i32.eqz (ref.is_null (local.get $e))) (then (local.set $sum (i64.add (local.get $sum) (struct.get $entry $value (local.get $e))))))
        (br_if $l (i64.lt_u (local.tee $i (i64.add (local.get $i) (i64.const 1))) (i64.const 4000))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))
