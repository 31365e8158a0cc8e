;; checked
(module
  (memory 1)
  (func (param $p i32) (result i32) (i32.load offset=4 (local.get $p)))
  (func (param $p i32) (i32.store (local.get $p) (i32.const 7)) (i32.store offset=4 (local.get $p) (i32.const 8))))
