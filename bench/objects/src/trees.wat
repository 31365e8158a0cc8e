;; Binary trees: allocation, and objects that live long enough to be moved.
(module
  (type $tree (struct (field $left (ref null $tree)) (field $right (ref null $tree))))
  (func $make (param $depth i32) (result (ref $tree))
    (if (i32.eqz (local.get $depth)) (then (return (struct.new $tree (ref.null $tree) (ref.null $tree)))))
    (struct.new $tree
      (call $make (i32.sub (local.get $depth) (i32.const 1)))
      (call $make (i32.sub (local.get $depth) (i32.const 1)))))
  (func $count (param $t (ref $tree)) (result i64) (local $left (ref null $tree))
    (local.set $left (struct.get $tree $left (local.get $t)))
    (if (ref.is_null (local.get $left)) (then (return (i64.const 1))))
    (i64.add (i64.const 1) (i64.add
      (call $count (ref.as_non_null (local.get $left)))
      (call $count (ref.as_non_null (struct.get $tree $right (local.get $t)))))))
  (func (export "run") (param $n i32) (result i64) (local $long (ref $tree)) (local $sum i64)
    (local.set $long (call $make (i32.const 14)))
    (loop $l
      (local.set $sum (i64.add (local.get $sum) (call $count (call $make (i32.const 10)))))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i64.add (local.get $sum) (call $count (local.get $long)))))
