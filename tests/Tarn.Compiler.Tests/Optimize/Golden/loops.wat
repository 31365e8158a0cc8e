;; The memory's base leaves all loops; a table's elements and an invariant load go as far as nothing writes; a division by an invariant may not run, so it stays.
(module
  (memory 1)
  (global $g (mut i32) (i32.const 5))
  (func (param i32 i32 i32) (result i32) (local i32)
    (block
      (br_if 0 (i32.eqz (local.get 0)))
      (loop
        (local.set 1 (i32.load (local.get 2)))
        (loop
          (local.set 3 (i32.add (local.get 3) (i32.mul (i32.load8_u (local.get 1)) (global.get $g))))
          (br_if 0 (i32.load8_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))))))
        (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (local.get 3))
  (func (param i32 i32 i32) (result i32) (local i32)
    (loop
      (if (i32.and (local.get 0) (i32.const 1))
        (then (local.set 3 (i32.add (local.get 3) (i32.div_s (local.get 1) (local.get 2))))))
      (local.set 3 (i32.add (local.get 3) (i32.mul (local.get 1) (i32.add (local.get 2) (i32.const 1)))))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 3)))
