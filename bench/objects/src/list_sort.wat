;; Merge sort of a linked list: pointers that are written.
(module
  (type $node (struct (field $value i32) (field $next (mut (ref null $node)))))
  (func $make (param $n i32) (result (ref null $node)) (local $head (ref null $node)) (local $x i32)
    (local.set $x (i32.const 12345))
    (loop $l
      (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1103515245)) (i32.const 12345)))
      (local.set $head (struct.new $node (i32.shr_u (local.get $x) (i32.const 8)) (local.get $head)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $head))
  (func $merge (param $a (ref null $node)) (param $b (ref null $node)) (result (ref null $node)) (local $first (ref $node)) (local $last (ref $node))
    (local.set $first (struct.new $node (i32.const 0) (ref.null $node)))
    (local.set $last (local.get $first))
    (block $done
      (loop $l
        (if (ref.is_null (local.get $a)) (then (struct.set $node $next (local.get $last) (local.get $b)) (br $done)))
        (if (ref.is_null (local.get $b)) (then (struct.set $node $next (local.get $last) (local.get $a)) (br $done)))
        (if (i32.le_u (struct.get $node $value (local.get $a)) (struct.get $node $value (local.get $b)))
          (then
            (struct.set $node $next (local.get $last) (local.get $a))
            (local.set $last (ref.as_non_null (local.get $a)))
            (local.set $a (struct.get $node $next (local.get $a))))
          (else
            (struct.set $node $next (local.get $last) (local.get $b))
            (local.set $last (ref.as_non_null (local.get $b)))
            (local.set $b (struct.get $node $next (local.get $b)))))
        (br $l)))
    (struct.get $node $next (local.get $first)))
  (func $sort (param $list (ref null $node)) (param $n i32) (result (ref null $node)) (local $half i32) (local $k i32) (local $at (ref null $node)) (local $second (ref null $node))
    (if (i32.lt_s (local.get $n) (i32.const 2)) (then (return (local.get $list))))
    (local.set $half (i32.shr_u (local.get $n) (i32.const 1)))
    (local.set $k (local.get $half))
    (local.set $at (local.get $list))
    (block $cut
      (loop $l
        (br_if $cut (i32.le_s (local.tee $k (i32.sub (local.get $k) (i32.const 1))) (i32.const 0)))
        (local.set $at (struct.get $node $next (local.get $at)))
        (br $l)))
    (local.set $second (struct.get $node $next (local.get $at)))
    (struct.set $node $next (local.get $at) (ref.null $node))
    (call $merge (call $sort (local.get $list) (local.get $half)) (call $sort (local.get $second) (i32.sub (local.get $n) (local.get $half)))))
  (func (export "run") (param $n i32) (result i64) (local $sum i64) (local $list (ref null $node)) (local $k i32)
    (loop $l
      (local.set $list (call $sort (call $make (i32.const 2000)) (i32.const 2000)))
      (local.set $k (i32.const 1000))
      (loop $w
        (local.set $list (struct.get $node $next (local.get $list)))
        (br_if $w (local.tee $k (i32.sub (local.get $k) (i32.const 1)))))
      (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (struct.get $node $value (local.get $list)))))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))
