;; A local that only feeds itself round the loop, an unused parameter of a join, a value that nobody uses.
(module
  (func (param i32 i32) (result i32) (local i32 i32)
    (loop
      (local.set 2 (i32.add (local.get 2) (i32.const 3)))
      (local.set 3 (i32.add (local.get 3) (local.get 0)))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (drop (i32.mul (local.get 1) (local.get 3)))
    (local.get 3)))
