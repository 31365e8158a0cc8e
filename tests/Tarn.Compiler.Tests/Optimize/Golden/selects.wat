;; Two empty ways that differ in one integer are a select, and of a truth value the value itself; floats and two differences stay branches.
(module
  (func (param i32) (result i32) (if (result i32) (i32.lt_s (local.get 0) (i32.const 3)) (then (i32.const 1)) (else (i32.const 0))))
  (func (param i32 i64) (result i64) (if (result i64) (local.get 0) (then (local.get 1)) (else (i64.const 9))))
  (func (param i32) (result f64) (if (result f64) (local.get 0) (then (f64.const 1)) (else (f64.const 2))))
  (func (param i32) (result i32 i32) (if (result i32 i32) (local.get 0) (then (i32.const 1) (i32.const 2)) (else (i32.const 3) (i32.const 4)))))
