;; checked
;; The checks of accesses just above one that was checked become a longer reach of the first.
(module
  (memory 1)
  (func (param i32) (result i32)
    (i32.load (i32.add (local.get 0) (i32.const 16)))
    (i32.load (i32.add (local.get 0) (i32.const 24)))
    (i32.load offset=4 (i32.add (local.get 0) (i32.const 32)))
    (i32.add) (i32.add)))
