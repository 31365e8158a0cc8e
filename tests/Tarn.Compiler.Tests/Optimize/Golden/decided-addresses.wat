;; An access in a branch that turns out never to be taken must not count among the uses of its index: the call still needs it.
(module
  (memory 1)
  (func $f (param i32))
  (func (param i32 i32) (result i32) (local i32)
    (local.set 2 (i32.add (local.get 0) (i32.const 108)))
    (if (i32.load (local.get 0))
      (then
        (if (i32.lt_u (local.get 1) (i32.const 7))
          (then
            (call $f (local.get 2))
            (if (i32.ge_u (local.get 1) (i32.const 7))
              (then (i32.store (local.get 2) (i32.const 1))))))))
    (i32.const 3)))
