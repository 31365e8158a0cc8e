;; checked
;; One check for several fields, none for what a check above covers, across calls too; but a store that can be seen keeps two checks apart.
(module
  (memory 1)
  (func $f)
  (func (param i32) (result i32)
    (i32.add (i32.load (local.get 0)) (i32.add (i32.load offset=8 (local.get 0)) (i32.load offset=4 (local.get 0)))))
  (func (param i32)
    (i32.store (local.get 0) (i32.const 1))
    (i32.store offset=4 (local.get 0) (i32.const 2))
    (call $f)
    (i32.store (local.get 0) (i32.const 3))))
