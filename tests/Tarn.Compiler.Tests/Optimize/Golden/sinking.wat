;; A value that only one branch uses goes there, one that only the exit uses leaves the loop, and a comparison goes to what it decides, once for each.
(module
  (func (param i32 i32) (result i32) (local i32)
    (local.set 2 (i32.shl (local.get 0) (i32.const 3)))
    (if (result i32) (local.get 1)
      (then (i32.add (local.get 2) (i32.const 1)))
      (else (local.get 0))))
  (func (param i32) (result i32) (local i32 i32)
    (loop
      (local.set 1 (i32.add (local.get 1) (local.get 0)))
      (local.set 2 (i32.mul (local.get 1) (i32.const 7)))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 2))
  (func (param i32 i32) (result i32) (local i32)
    (local.set 2 (i32.lt_s (local.get 0) (local.get 1)))
    (if (i32.eq (local.get 0) (i32.const 77)) (then (return (select (local.get 0) (local.get 1) (local.get 2)))))
    (select (local.get 1) (local.get 0) (local.get 2))))
