;; A program of WASI 0.2 in text: it ends with an error.
(component
  (import "wasi:cli/exit@0.2.0" (instance $exit (export "exit" (func (param "status" (result))))))
  (core func $exit (canon lower (func $exit "exit")))
  (core module $m
    (import "h" "exit" (func $exit (param i32)))
    (func (export "run") (result i32) (call $exit (i32.const 1)) (i32.const 0)))
  (core instance $i (instantiate $m (with "h" (instance (export "exit" (func $exit))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $interface (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $interface)))
