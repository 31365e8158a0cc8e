;; Of several accesses around one address, those above one that came before need no addition of their own. One that is below does, and so does one whose
;; index is wanted otherwise, here as the loop's next value.
(module
  (memory 1)
  (func (param i32) (result i32)
    (i32.load (i32.add (local.get 0) (i32.const 1608)))
    (i32.load (i32.add (local.get 0) (i32.const 1616)))
    (i32.load (i32.add (local.get 0) (i32.const 1600)))
    (i32.add) (i32.add))
  (func (param i32) (result i32)
    (i32.store (i32.sub (local.get 0) (i32.const 8)) (i32.const 1))
    (i32.store8 offset=2 (i32.sub (local.get 0) (i32.const 4)) (i32.const 2))
    (i32.load (local.get 0)))
  (func (param i32) (result i32) (local i32 i32)
    (local.set 2 (i32.load (local.get 0)))
    (loop
      (local.set 1 (i32.add (local.get 1) (i32.load (local.get 0))))
      (br_if 0 (i32.load (local.tee 0 (i32.add (local.get 0) (i32.const 4))))))
    (i32.add (local.get 1) (local.get 2))))
