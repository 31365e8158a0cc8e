;; The smallest useful module: tarn run --invoke add samples/add.wat 2 3
(module
  (func (export "add") (param $a i32) (param $b i32) (result i32)
    (i32.add (local.get $a) (local.get $b))))
